"""Obstacles that come while the arm moves, told as points alone: it goes round in motion, or it stops.

    cargo xtask test --only test_reflex

The planning and control nodes run as the launch table says against a driver that echoes commands; this
script plays the camera.
"""

import math
import signal
import struct
import tempfile
import time

from nodes_of_a_robot import Client, end, start
from test_control_node import ARM, READY

from action_msgs.msg import GoalStatus
from checks import Checks
from moveit_msgs.srv import GetPositionFK
from sensor_msgs.msg import PointCloud2, PointField

THERE = [0.9, -0.2, 0.0, -2.0, 0.0, 1.8, 0.785]
BACK = [-0.9, -0.2, 0.0, -2.0, 0.0, 1.8, 0.785]
TOOL = "panda_hand_tcp"
BALL_M = 0.05
STANDS = 0.02  # rad/s


def ball(centre):
    """Points of a ball's surface, 1 cm apart."""
    points = []
    for k in range(300):
        z = 1 - 2 * (k + 0.5) / 300
        turn = k * math.pi * (3 - math.sqrt(5))
        level = math.sqrt(1 - z * z)
        points.append([c + BALL_M * d for c, d in zip(centre, (level * math.cos(turn), level * math.sin(turn), z))])
    return points


class Camera:
    """Tells the same points 15 times a second, as perception does."""

    def __init__(self, node):
        self.node, self.points = node, []
        self.publisher = node.create_publisher(PointCloud2, "perception/obstacles", 1)
        node.create_timer(1 / 15, self.tell)

    def tell(self):
        message = PointCloud2(height=1, width=len(self.points), point_step=12, row_step=12 * len(self.points))
        message.header.frame_id = "world"
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.fields = [
            PointField(name=name, offset=4 * k, datatype=PointField.FLOAT32, count=1) for k, name in enumerate("xyz")
        ]
        message.data = b"".join(struct.pack("<3f", *point) for point in self.points)
        self.publisher.publish(message)


class Bench:
    def __init__(self):
        self.client = Client("test_reflex")
        self.camera = Camera(self.client.node)
        self.fk = self.client.node.create_client(GetPositionFK, "compute_fk")

    def tool_at(self, positions):
        """Where the tool is when the joints are there."""
        request = GetPositionFK.Request(fk_link_names=[TOOL])
        request.header.frame_id = "world"
        request.robot_state.joint_state.name = ARM
        request.robot_state.joint_state.position = list(positions)
        response = self.client.wait(self.fk.call_async(request))
        assert response.error_code.val == 1, response.error_code
        point = response.pose_stamped[0].pose.position
        return (point.x, point.y, point.z)

    def run(self, target, at_share=None, points=None):
        """A motion; when the first joint has come `at_share` of its way the camera sees `points`.

        Returns status, result and the commands since then.
        """
        driver = self.client.driver
        begin, driver.commands = driver.position[0], []
        handle = self.client.move_to(target)
        result = handle.get_result_async()
        if at_share is not None:
            way = (target[0] - begin) * at_share

            def has_come():
                """the arm has come that far"""
                assert not result.done(), result.result().result.error_code
                return abs(driver.position[0] - begin) >= abs(way)

            self.client.spin_until(has_come, 20)
            self.camera.points = points
            driver.commands = []
        ended = self.client.wait(result, 60)
        return ended.status, ended.result, list(driver.commands)


def clearance_m(bench, commands, centre):
    """Smallest distance of the tool's frame from the ball's surface; every tenth command is looked at."""
    tools = [bench.tool_at(positions[:7]) for _, _, positions, _ in commands[::10]]
    return min(math.dist(tool, centre) for tool in tools) - BALL_M


def goes_round(bench):
    """A ball comes into the way well ahead; the arm arrives all the same, without stopping, not touching it."""
    bench.camera.points = []
    status, result, _ = bench.run(BACK)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.error_code
    status, result, free = bench.run(THERE)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.error_code
    status, result, _ = bench.run(BACK)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.error_code
    # Where the tool passed at seven tenths of the way.
    at = min(free, key=lambda command: abs(command[2][0] - (BACK[0] + 0.7 * (THERE[0] - BACK[0]))))
    centre = bench.tool_at(at[2][:7])
    status, result, commands = bench.run(THERE, 0.15, ball(centre))
    bench.camera.points = []
    assert status == GoalStatus.STATUS_SUCCEEDED, result.error_code
    clearance = clearance_m(bench, commands, centre)
    assert clearance > 0, f"the tool came within {clearance:.3f} m of the ball"
    # From the sight of the ball until the arm is nearly there.
    under_way = [v for _, _, p, v in commands if abs(p[0] - THERE[0]) > 0.1]
    slowest = min(max(abs(x) for x in v[:7]) for v in under_way)
    assert slowest > STANDS, f"the arm came to rest under way ({slowest:.3f} rad/s)"
    return f"{100 * clearance:.1f} cm clear, never slower than {slowest:.2f} rad/s"


def stops_and_says_why(bench):
    """The goal itself is taken by a ball: the arm comes to rest before it, and the result says why."""
    bench.camera.points = []
    status, result, _ = bench.run(BACK)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.error_code
    centre = bench.tool_at(THERE)
    status, result, commands = bench.run(THERE, 0.15, ball(centre))
    bench.camera.points = []
    assert status == GoalStatus.STATUS_ABORTED, status
    assert result.error_code.val < 0 and result.error_code.message, result.error_code
    clearance = clearance_m(bench, commands, centre)
    assert clearance > 0, f"the tool came within {clearance:.3f} m of the ball"
    assert bench.client.speed() < STANDS, "the arm still moves"
    return result.error_code.message


def goes_on(bench):
    """The ball at the goal goes away when the arm has stopped before it: the same motion arrives."""
    client = bench.client
    status, result, _ = bench.run(BACK)
    assert status == GoalStatus.STATUS_SUCCEEDED, result.error_code
    handle = client.move_to(THERE)
    result = handle.get_result_async()
    client.spin_until(lambda: client.speed() > 0.3, 10)
    bench.camera.points = ball(bench.tool_at(THERE))
    client.spin_until(lambda: client.speed() < STANDS, 10)
    assert not result.done(), "the motion ended instead of waiting"
    bench.camera.points = []
    ended = client.wait(result, 20)
    assert ended.status == GoalStatus.STATUS_SUCCEEDED, ended.result.error_code


def cancels_without_a_controller(bench, control):
    """There is no controller to send a planned motion to: a cancel is answered as one, and at once."""
    control.send_signal(signal.SIGINT)
    control.wait(10)
    handle = bench.client.move_to(BACK)
    result = handle.get_result_async()
    bench.client.rest(0.3)
    assert not result.done(), result.result()
    begun = time.monotonic()
    bench.client.wait(handle.cancel_goal_async())
    ended = bench.client.wait(result, 10)
    took = time.monotonic() - begun
    assert ended.status == GoalStatus.STATUS_CANCELED, (ended.status, ended.result.error_code)
    assert took < 1, f"{took:.2f} s"


def main():
    checks, bench = Checks(), Bench()
    with tempfile.TemporaryDirectory() as folder:
        running = start(folder, ["control", "move_group"], {"move_group": {"scene_file": "''"}})
        try:
            for name in running:
                checks.run(f"{name} is active", bench.client.is_active, name)
            assert bench.client.move.wait_for_server(timeout_sec=20), "no move_action"
            checks.run("a ball in the way: the arm goes round it in motion", goes_round, bench)
            checks.run("a ball at the goal: the arm stops before it and says why", stops_and_says_why, bench)
            checks.run("a ball at the goal that goes away: the arm waits and goes on", goes_on, bench)
            control = running["control"]
            checks.run("a cancel where there is no controller", cancels_without_a_controller, bench, control)
        finally:
            end(checks, folder, running)
    bench.client.close()
    checks.finish()


if __name__ == "__main__":
    main()
