"""The control node alone, against a driver that echoes commands: what every client and driver sees.

  cargo xtask exec -- python3 tests/ros/test_control_node.py [path of control_node]
"""

import argparse
import math
import os
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

# A graph of its own: never a real robot, nor a demo that runs beside.
os.environ["ROS_DOMAIN_ID"] = os.environ.get("CONTROL_TEST_DOMAIN", str(60 + os.getpid() % 40))

import rclpy
from action_msgs.msg import GoalStatus
from checks import Checks, wait_until
from control_msgs.action import FollowJointTrajectory, GripperCommand
from control_msgs.msg import JointJog, JointTolerance, JointTrajectoryControllerState, SpeedScalingFactor
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import JointState, PointCloud2, PointField
from std_msgs.msg import Bool, Header, String
from std_srvs.srv import Trigger
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint
from visualization_msgs.msg import MarkerArray

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ARM = [f"panda_joint{k}" for k in range(1, 8)]
FINGERS = ["panda_finger_joint1", "panda_finger_joint2"]
READY = [0.0, -0.785, 0.0, -2.356, 0.0, 1.571, 0.785]
RATE_HZ = 200.0
URDF = os.path.join(ROOT, ".ros/robots/panda/panda.urdf")
LIMITS = "joint_limits:\n" + "".join(
    f"  {name}: {{has_acceleration_limits: true, max_acceleration: 7.5, has_jerk_limits: true, max_jerk: 375.0}}\n"
    for name in ARM
)


class Driver:
    """An arm that is where it is commanded to be, and fingers that stop at what lies between them."""

    def __init__(self, node):
        self.position = list(READY)
        self.velocity = [0.0] * 7
        self.finger, self.finger_speed, self.finger_goal, self.force = 0.04, 0.0, 0.04, None
        self.object_half_width = 0.0
        self.silent = False
        self.names = ARM + FINGERS
        self.spoil = None
        self.commands = []  # (arrival, names, positions, velocities)
        self.publisher = node.create_publisher(JointState, "joint_states", QoSProfile(depth=10))
        node.create_subscription(JointState, "joint_commands", self.take, QoSProfile(depth=1))
        node.create_timer(1.0 / RATE_HZ, self.tell)
        self.node = node

    def take(self, message):
        self.commands.append((time.monotonic(), list(message.name), list(message.position), list(message.velocity)))
        self.position = list(message.position)[:7]
        self.velocity = list(message.velocity)[:7]
        if len(message.name) == 8:
            self.finger_goal, self.force = message.position[7], message.effort[7]

    def tell(self):
        step = max(-0.001, min(0.001, self.finger_goal - self.finger))
        moved = max(self.finger + step, self.object_half_width)
        self.finger_speed, self.finger = (moved - self.finger) * RATE_HZ, moved
        if self.silent:
            return
        message = JointState(name=self.names)
        message.header.stamp = self.node.get_clock().now().to_msg()
        message.position = self.position + [self.finger] * 2
        message.velocity = self.velocity + [self.finger_speed] * 2
        if self.spoil:
            self.spoil(message)
        self.publisher.publish(message)

    def moved_within(self, seconds):
        """Largest change of a commanded joint over the next seconds."""
        first = list(self.position)
        time.sleep(seconds)
        return max(abs(a - b) for a, b in zip(first, self.position))


class Bench:
    def __init__(self, binary, folder):
        self.binary, self.folder, self.process = binary, folder, None
        self.estop_file = os.path.join(folder, "e_stop")
        limits = os.path.join(folder, "joint_limits.yaml")
        with open(limits, "w") as file:
            file.write(LIMITS)
        self.limits = limits
        rclpy.init()
        self.node = rclpy.create_node("test_control_node")
        self.driver = Driver(self.node)
        self.state, self.diagnostics, self.drawn = None, {}, []
        self.node.create_subscription(JointTrajectoryControllerState, "control/state", self.see_state, 1)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self.see_diagnostics, 10)
        self.node.create_subscription(MarkerArray, "control/markers", lambda message: self.drawn.append(message.markers), 10)
        self.arm = ActionClient(self.node, FollowJointTrajectory, "follow_joint_trajectory")
        self.gripper = ActionClient(self.node, GripperCommand, "gripper_action_controller/gripper_cmd")
        self.e_stop = self.node.create_publisher(Bool, "control/e_stop", 1)
        self.event = self.node.create_publisher(String, "trajectory_execution_event", 1)
        self.topic = self.node.create_publisher(JointTrajectory, "joint_trajectory", 1)
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.scaling = self.node.create_publisher(SpeedScalingFactor, "speed_scaling_input", latched)
        self.jog = self.node.create_publisher(JointJog, "servo_node/delta_joint_cmds", 1)
        self.cloud = self.node.create_publisher(PointCloud2, "perception/obstacles", 1)
        self.points = None  # told ten times a second once it is a list
        self.node.create_timer(0.1, self.tell_points)
        self.heartbeat = self.node.create_publisher(Header, "planning/heartbeat", 1)
        self.beating = False
        self.node.create_timer(0.05, self.beat)
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(self.node)
        self.thread = threading.Thread(target=self.executor.spin, daemon=True)
        self.thread.start()

    def close(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
        self.executor.shutdown()
        self.thread.join(5)
        rclpy.shutdown()

    def beat(self):
        if self.beating:
            self.heartbeat.publish(Header())

    def tell_points(self):
        if self.points is None:
            return
        message = PointCloud2(height=1, width=len(self.points), point_step=12, row_step=12 * len(self.points))
        message.header.frame_id = "world"
        message.fields = [PointField(name=n, offset=4 * k, datatype=PointField.FLOAT32, count=1) for k, n in enumerate("xyz")]
        message.data = b"".join(struct.pack("<3f", *point) for point in self.points)
        self.cloud.publish(message)

    def see_state(self, message):
        self.state = message

    def see_diagnostics(self, message):
        for status in message.status:
            self.diagnostics[status.name] = status

    def start(self):
        """Starts control_node and waits until it holds."""
        self.process = subprocess.Popen([
            self.binary, "--ros-args", "--params-file", os.path.join(ROOT, "config/panda/control.yaml"),
            "-p", f"robot_description_file:={URDF}", "-p", f"joint_limits_file:={self.limits}",
            "-p", f"robot_description_semantic_file:={os.path.join(ROOT, 'models/robots/panda/panda.srdf')}",
            "-p", f"estop_file:={self.estop_file}",
            # This driver is a script; give it time on a busy machine.
            "-p", "stale_after_s:=0.6",
        ])
        assert self.arm.wait_for_server(20), "no follow_joint_trajectory"

    def stop(self):
        """SIGINT; how long the node takes to end."""
        begin = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(10)
        return time.monotonic() - begin, code

    def ask(self, call, timeout_s=10.0):
        """Result of the future that `call` returns. Made on the spinning thread: rclpy's clients lose
        answers that arrive before another thread has noted its question."""
        task = self.executor.create_task(call)
        wait_until(task.done, timeout_s, period_s=0.002)
        return self.wait(task.result(), timeout_s)

    def wait(self, future, timeout_s=10.0):
        wait_until(lambda: future.done(), timeout_s, period_s=0.002)
        return future.result()

    def call(self, name):
        client = self.node.create_client(Trigger, name)
        assert client.wait_for_service(5), f"no {name}"
        return self.ask(lambda: client.call_async(Trigger.Request()))

    def goal(self, offset, duration_s, joints=None, change=None):
        """From where the arm is commanded to be, `offset` further in every joint."""
        joints = joints or ARM
        goal = FollowJointTrajectory.Goal()
        goal.trajectory.joint_names = list(joints)
        here = dict(zip(ARM, self.driver.position))
        point = JointTrajectoryPoint(positions=[here.get(name, 0.0) + offset for name in joints])
        point.velocities = [0.0] * len(joints)
        point.time_from_start.sec = int(duration_s)
        point.time_from_start.nanosec = int((duration_s % 1) * 1e9)
        goal.trajectory.points = [point]
        if change:
            change(goal)
        return goal

    def send(self, goal, client=None):
        handle = self.ask(lambda: (client or self.arm).send_goal_async(goal))
        assert handle.accepted, "the goal was not taken"
        return handle

    def result(self, handle, timeout_s=10.0):
        return self.ask(handle.get_result_async, timeout_s)

    def in_motion(self, offset=0.6, duration_s=1.5, speed=0.2):
        """A goal that is under way, at speed."""
        handle = self.send(self.goal(offset, duration_s))
        wait_until(lambda: max(abs(v) for v in self.driver.velocity) > speed, 5)
        return handle


def sends_nothing_before_joint_states(bench):
    bench.driver.silent = True
    bench.start()
    time.sleep(1.0)
    assert not bench.driver.commands, f"{len(bench.driver.commands)} commands before any joint state"
    refused = bench.result(bench.send(bench.goal(0.1, 1.0)))
    assert refused.status == GoalStatus.STATUS_ABORTED and "joint states" in refused.result.error_string
    bench.driver.silent = False
    wait_until(lambda: bench.driver.commands, 5)
    first = bench.driver.commands[0]
    assert first[1] == ARM, f"names are {first[1]}"
    assert max(abs(a - b) for a, b in zip(first[2], READY)) < 1e-9, "does not hold at the measured position"


def holds_at_rate(bench):
    bench.driver.commands.clear()
    time.sleep(2.0)
    rate_hz = len(bench.driver.commands) / 2.0
    positions = {tuple(command[2]) for command in bench.driver.commands}
    assert len(positions) == 1, f"{len(positions)} different positions while holding"
    with open(f"/proc/{bench.process.pid}/stat") as file:
        before = sum(int(ticks) for ticks in file.read().rsplit(")", 1)[1].split()[11:13])
    time.sleep(3.0)
    with open(f"/proc/{bench.process.pid}/stat") as file:
        after = sum(int(ticks) for ticks in file.read().rsplit(")", 1)[1].split()[11:13])
    share = (after - before) / os.sysconf("SC_CLK_TCK") / 3.0
    return f"{rate_hz:.0f} commands/s heard here, {100 * share:.1f} % of a core"


def reaches_a_goal(bench):
    target = bench.driver.position[0] + 0.3
    result = bench.result(bench.send(bench.goal(0.3, 1.0)))
    assert result.status == GoalStatus.STATUS_SUCCEEDED, result.result.error_string
    assert result.result.error_code == 0
    assert abs(bench.driver.position[0] - target) < 1e-3, bench.driver.position
    back = bench.result(bench.send(bench.goal(-0.3, 1.0)))
    assert back.status == GoalStatus.STATUS_SUCCEEDED, back.result.error_string


def moves_some_joints_in_any_order(bench):
    def change(goal):
        goal.trajectory.points[0].positions = [0.6, 0.2]
    result = bench.result(bench.send(bench.goal(0.0, 1.0, [ARM[6], ARM[0]], change)))
    assert result.status == GoalStatus.STATUS_SUCCEEDED, result.result.error_string
    assert abs(bench.driver.position[6] - 0.6) < 1e-3 and abs(bench.driver.position[0] - 0.2) < 1e-3
    assert abs(bench.driver.position[1] - READY[1]) < 1e-6


def follows_the_topic(bench):
    goal = bench.goal(0.1, 0.8)
    target = goal.trajectory.points[0].positions[3]
    bench.topic.publish(goal.trajectory)
    wait_until(lambda: abs(bench.driver.position[3] - target) < 1e-3, 5)


def cancel_brakes_and_stands(bench):
    handle = bench.in_motion()
    begin = time.monotonic()
    bench.ask(handle.cancel_goal_async)
    answered_ms = 1e3 * (time.monotonic() - begin)
    result = bench.result(handle)
    rest_ms = 1e3 * (time.monotonic() - begin)
    assert result.status == GoalStatus.STATUS_CANCELED, f"status {result.status}"
    assert max(abs(v) for v in bench.driver.velocity) < 1e-9, f"still moves: {bench.driver.velocity}"
    moved = bench.driver.moved_within(0.5)
    assert moved < 1e-9, f"moved {moved} after the cancel"
    return f"answered in {answered_ms:.0f} ms, at rest and told in {rest_ms:.0f} ms"


def refuses(bench, change, code, text):
    before = list(bench.driver.position)
    result = bench.result(bench.send(bench.goal(0.1, 1.0, None, change)))
    assert result.status == GoalStatus.STATUS_ABORTED, f"status {result.status}"
    assert result.result.error_code == code, f"code {result.result.error_code}: {result.result.error_string}"
    assert text in result.result.error_string, result.result.error_string
    time.sleep(0.1)
    assert bench.driver.position == before, "it moved"
    return result.result.error_string


def a_newer_goal_replaces(bench):
    first = bench.in_motion()
    second = bench.send(bench.goal(-0.1, 1.5))
    assert bench.result(first).status == GoalStatus.STATUS_ABORTED
    result = bench.result(second)
    assert result.status == GoalStatus.STATUS_SUCCEEDED, result.result.error_string
    return_to_ready(bench)


def stop_service_brakes(bench):
    handle = bench.in_motion()
    answer = bench.call("control/stop")
    assert answer.success, answer.message
    result = bench.result(handle)
    assert result.status == GoalStatus.STATUS_ABORTED and "stopped on request" in result.result.error_string
    moved = bench.driver.moved_within(0.3)
    assert moved < 1e-9, f"moved {moved}"
    return answer.message


def stop_event_brakes(bench):
    handle = bench.in_motion()
    bench.event.publish(String(data="stop"))
    assert bench.result(handle).status == GoalStatus.STATUS_ABORTED
    assert bench.driver.moved_within(0.3) < 1e-9


def lost_planner_brakes(bench):
    bench.beating = True
    time.sleep(0.5)
    handle = bench.in_motion(0.6, 3.0)
    bench.beating = False
    begin = time.monotonic()
    result = bench.result(handle)
    took_s = time.monotonic() - begin
    assert result.status == GoalStatus.STATUS_ABORTED and "planner lost" in result.result.error_string, result.result.error_string
    assert bench.driver.moved_within(0.3) < 1e-9
    time.sleep(0.5)
    again = bench.result(bench.send(bench.goal(-0.1, 1.0)))
    assert again.status == GoalStatus.STATUS_SUCCEEDED, "a client without heartbeat is not served afterwards"
    return f"at rest and told {took_s:.2f} s after the heartbeat ended"


def stale_joint_states_brake(bench):
    handle = bench.in_motion(0.4, 4.0, 0.1)
    bench.driver.silent = True
    try:
        result = bench.result(handle)
        assert result.status == GoalStatus.STATUS_ABORTED and "stale" in result.result.error_string, result.result.error_string
        assert bench.driver.moved_within(0.3) < 1e-9
        refused = bench.result(bench.send(bench.goal(0.1, 1.0)))
        assert refused.status == GoalStatus.STATUS_ABORTED and "joint states" in refused.result.error_string
    finally:
        bench.driver.silent = False
    wait_until(lambda: bench.diagnostics["control: state"].message == "holding", 5)
    return_to_ready(bench)
    return result.result.error_string


def broken_joint_states_move_nothing(bench, spoil, text):
    bench.driver.spoil = spoil
    try:
        wait_until(lambda: text in bench.diagnostics["control: joint_states"].message, 5)
        time.sleep(0.9)
        refused = bench.result(bench.send(bench.goal(0.1, 1.0)))
        assert refused.status == GoalStatus.STATUS_ABORTED, refused.status
    finally:
        bench.driver.spoil = None
    wait_until(lambda: bench.diagnostics["control: joint_states"].message == "complete", 5)
    time.sleep(0.3)
    return refused.result.error_string


def lose_a_joint(message):
    message.name, message.position, message.velocity = message.name[1:], message.position[1:], message.velocity[1:]


def spoil_a_value(message):
    message.position[2] = math.nan


def rename_a_joint(message):
    message.name = ["elbow"] + list(message.name)[1:]


def speed_scaling_slows(bench):
    bench.scaling.publish(SpeedScalingFactor(factor=0.5))
    time.sleep(0.3)
    begin = time.monotonic()
    handle = bench.send(bench.goal(0.3, 1.5))
    wait_until(lambda: bench.state.speed_scaling_factor == 0.5, 5)
    result = bench.result(handle)
    took_s = time.monotonic() - begin
    bench.scaling.publish(SpeedScalingFactor(factor=1.0))
    time.sleep(0.3)
    assert result.status == GoalStatus.STATUS_SUCCEEDED, result.result.error_string
    assert took_s > 2.5, f"took {took_s:.2f} s at half speed"
    return_to_ready(bench)


def points_in_the_way_brake_and_let_go(bench):
    """A wall of points where the arm is to turn to; taken away, the goal is reached."""
    reach = [0.3 + 0.02 * k for k in range(25)]
    angle = 0.9
    wall = [(r * math.cos(angle), r * math.sin(angle), z) for r in reach for z in (0.3, 0.36, 0.42, 0.48, 0.54, 0.6)]
    bench.points = []
    time.sleep(0.3)

    def turn(goal):
        goal.trajectory.points[0].positions = [1.6] + list(READY)[1:]
    handle = bench.send(bench.goal(0.0, 3.0, None, turn))
    wait_until(lambda: abs(bench.driver.velocity[0]) > 0.1, 5)
    bench.drawn.clear()
    bench.points = wall
    wait_until(lambda: "would touch" in bench.diagnostics["control: monitor"].message, 10)
    text = bench.diagnostics["control: monitor"].message
    wait_until(lambda: max(abs(v) for v in bench.driver.velocity) < 1e-9, 10)
    stood = bench.driver.position[0]
    assert 0.0 < stood < 0.9, f"stands at {stood}"
    assert bench.driver.moved_within(0.5) < 0.01
    markers_show_the_wall(bench, wall)
    bench.points = []
    # Empty clouds go on: points that are heard no more would slow everything down.
    result = bench.result(handle, 15)
    assert result.status == GoalStatus.STATUS_SUCCEEDED, result.result.error_string
    assert abs(bench.driver.position[0] - 1.6) < 1e-3
    return_to_ready(bench)
    return f"{text}; stood at {stood:.2f} rad"


def markers_show_the_wall(bench, wall):
    """`control/markers` while the arm slowed down before it: why, how near, and the way through the braking time."""
    told = [marker for markers in bench.drawn for marker in markers if marker.ns == "speed" and "would touch" in marker.text]
    assert told, "no marker says why the arm slows down"
    ends = [marker.points[1] for markers in bench.drawn for marker in markers if marker.ns == "separation" and marker.points]
    off_m = [min(math.dist((end.x, end.y, end.z), point) for point in wall) for end in ends]
    assert ends and max(off_m) < 1e-3, f"distances end {max(off_m, default=math.inf):.3f} m off the wall"
    assert any(marker.ns == "braking_volume" and marker.points for markers in bench.drawn for marker in markers)


def servo_follows_and_stops_when_input_ends(bench):
    first = bench.driver.position[6]
    for _ in range(40):
        bench.jog.publish(JointJog(joint_names=[ARM[6]], velocities=[0.4]))
        time.sleep(0.02)
    moved = bench.driver.position[6] - first
    assert moved > 0.1, f"moved {moved:.3f} rad"
    wait_until(lambda: max(abs(v) for v in bench.driver.velocity) < 1e-9, 2)
    assert bench.driver.moved_within(0.3) < 1e-9
    return_to_ready(bench)


def gripper(bench):
    def run(position, effort=20.0):
        goal = GripperCommand.Goal()
        goal.command.position, goal.command.max_effort = position, effort
        return bench.result(bench.send(goal, bench.gripper))
    assert bench.gripper.wait_for_server(5)
    assert len(bench.driver.commands[-1][1]) == 7, "a finger command before any gripper goal"
    empty = run(0.0)
    assert empty.status == GoalStatus.STATUS_SUCCEEDED and empty.result.reached_goal and not empty.result.stalled
    assert bench.driver.force == 20.0, bench.driver.force
    assert run(0.04).result.reached_goal
    bench.driver.object_half_width = 0.02
    held = run(0.0)
    assert held.result.stalled and not held.result.reached_goal and abs(held.result.position - 0.02) < 1e-6
    bench.driver.object_half_width = 0.0
    assert run(0.04).result.reached_goal
    assert run(math.nan).status == GoalStatus.STATUS_ABORTED
    assert run(0.2).status == GoalStatus.STATUS_ABORTED


def e_stop_is_latched(bench):
    handle = bench.in_motion()
    bench.e_stop.publish(Bool(data=True))
    result = bench.result(handle)
    assert result.status == GoalStatus.STATUS_ABORTED and "emergency" in result.result.error_string
    assert bench.driver.moved_within(0.3) < 1e-9
    bench.e_stop.publish(Bool(data=False))
    time.sleep(0.2)
    refuses_moves(bench, "emergency stop")
    # It outlives the process.
    bench.process.kill()
    bench.process.wait(5)
    time.sleep(0.5)
    bench.start()
    wait_until(lambda: "emergency" in bench.diagnostics["control: state"].message, 10)
    time.sleep(1.0)
    refuses_moves(bench, "emergency stop")
    assert bench.call("control/reset").success
    time.sleep(0.3)
    return_to_ready(bench)


def refuses_moves(bench, text):
    refused = bench.result(bench.send(bench.goal(0.1, 1.0)))
    assert refused.status == GoalStatus.STATUS_ABORTED and text in refused.result.error_string, refused.result.error_string


def return_to_ready(bench):
    def change(goal):
        goal.trajectory.points[0].positions = list(READY)
    result = bench.result(bench.send(bench.goal(0.0, 2.0, None, change)))
    assert result.status == GoalStatus.STATUS_SUCCEEDED, result.result.error_string


def state_tells_reference_and_feedback(bench):
    wait_until(lambda: bench.state, 5)
    assert list(bench.state.joint_names) == ARM
    assert len(bench.state.reference.positions) == 7 and len(bench.state.feedback.positions) == 7
    assert max(abs(e) for e in bench.state.error.positions) < 0.05


def diagnostics_tell_the_loop(bench):
    wait_until(lambda: "control: loop" in bench.diagnostics and len(bench.diagnostics["control: loop"].values) > 5, 5)
    values = {entry.key: entry.value for entry in bench.diagnostics["control: loop"].values}
    for key in ("period_p50_ms", "period_p99_ms", "period_max_ms", "overruns", "loop_to_wire_p99_ms"):
        assert key in values, f"no {key} in {sorted(values)}"
    median = float(values["period_p50_ms"])
    assert 1.5 < median < 2.5, f"median period {median} ms"
    return ", ".join(f"{key} {values[key]}" for key in sorted(values))


def ends_cleanly_in_motion(bench):
    bench.in_motion(0.6, 3.0)
    bench.driver.commands.clear()
    took_s, code = bench.stop()
    assert code == 0, f"exit code {code}"
    assert took_s < 1.5, f"took {took_s:.2f} s"
    last = bench.driver.commands[-1]
    assert max(abs(v) for v in last[3]) < 1e-9, f"the last command still moves: {last[3]}"
    return f"{took_s:.2f} s"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binary", nargs="?", default=os.path.join(os.environ.get("PRAXIS_NODES", os.path.join(ROOT, "target/ros/release")), "control_node"))
    arguments = parser.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments.binary, folder)
        try:
            run_all(checks, bench)
        finally:
            bench.close()
    checks.finish()


def run_all(checks, bench):
    if not checks.run("sends nothing until the first joint state, then holds there", sends_nothing_before_joint_states, bench):
        return
    time.sleep(0.5)
    checks.run("holds without moving", holds_at_rate, bench)
    checks.run("control/state tells reference, feedback and error", state_tells_reference_and_feedback, bench)
    checks.run("a goal is reached", reaches_a_goal, bench)
    checks.run("some joints in another order move, the others stay", moves_some_joints_in_any_order, bench)
    checks.run("the joint_trajectory topic is followed", follows_the_topic, bench)
    checks.run("cancel: CANCELED, at rest, and nothing moves afterwards", cancel_brakes_and_stands, bench)
    return_to_ready(bench)
    for name, change, code, text in broken_goals(bench):
        checks.run(f"refused: {name}", refuses, bench, change, code, text)
    checks.run("a newer goal replaces the running one in mid-motion", a_newer_goal_replaces, bench)
    checks.run("speed_scaling_input slows motions", speed_scaling_slows, bench)
    checks.run("points in the way brake; without them the goal is reached", points_in_the_way_brake_and_let_go, bench)
    checks.run("servo input is followed and a stop follows its end", servo_follows_and_stops_when_input_ends, bench)
    checks.run("control/stop brakes", stop_service_brakes, bench)
    return_to_ready(bench)
    checks.run("'stop' on trajectory_execution_event brakes", stop_event_brakes, bench)
    return_to_ready(bench)
    checks.run("a lost planner brakes", lost_planner_brakes, bench)
    return_to_ready(bench)
    checks.run("stale joint states brake", stale_joint_states_brake, bench)
    checks.run("joint states without a joint: error, no motion", broken_joint_states_move_nothing, bench, lose_a_joint, "panda_joint1")
    checks.run("joint states with NaN: error, no motion", broken_joint_states_move_nothing, bench, spoil_a_value, "panda_joint3")
    checks.run("joint states with an unknown joint: error, no motion", broken_joint_states_move_nothing, bench, rename_a_joint, "elbow")
    checks.run("the gripper reaches, stalls on an object, refuses nonsense", gripper, bench)
    checks.run("an emergency stop is latched, outlives a kill, and is reset", e_stop_is_latched, bench)
    checks.run("diagnostics tell the loop's period", diagnostics_tell_the_loop, bench)
    checks.run("SIGINT in motion: brakes, then ends", ends_cleanly_in_motion, bench)


def broken_goals(bench):
    def points(change):
        return lambda goal: change(goal.trajectory.points[0])

    def set_value(field, index, value):
        def change(point):
            getattr(point, field)[index] = value
        return points(change)

    def shorten(point):
        point.positions = point.positions[:5]

    def unknown(goal):
        goal.trajectory.joint_names[0] = "elbow"

    def empty(goal):
        goal.trajectory.points = []

    def past(goal):
        goal.trajectory.header.stamp.sec = 1

    def tolerance(goal):
        goal.path_tolerance = [JointTolerance(name="elbow", position=0.1)]

    def fast(point):
        point.time_from_start.sec, point.time_from_start.nanosec = 0, 20_000_000

    return [
        ("wrong length", points(shorten), -1, "5 positions for 7"),
        ("NaN", set_value("positions", 2, math.nan), -1, "panda_joint3 is NaN"),
        ("infinity", set_value("velocities", 1, math.inf), -1, "panda_joint2 is inf"),
        ("unknown joint", unknown, -2, "'elbow'"),
        ("no points", empty, -1, "no points"),
        ("long past", past, -3, "ago"),
        ("beyond a position limit", set_value("positions", 5, 4.0), -1, "panda_joint6 is 4.0"),
        ("beyond a velocity limit", points(fast), -1, "velocity of panda_joint1"),
        ("tolerance of an unknown joint", tolerance, -1, "'elbow'"),
    ]


if __name__ == "__main__":
    sys.exit(main())
