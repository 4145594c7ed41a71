"""An obstacle that only the camera sees, through the perception node, in the planner's own answers.

    cargo xtask test --only test_planner_sees

The perception and planning nodes run as the launch table says; this script plays the camera, which looks
straight down at the table beside the robot, and asks the planner whether the arm may stand where a block
is thrust in. Every frame counts: in with the first that shows it, out with the second that does not.
Then the same at 15 frames a second, and how long the planner took to know.
"""

import os
import statistics
import tempfile
import time

from nodes_of_a_robot import ROOT, Client, end, start

# Camera frames need the transport that the nodes take for them.
os.environ["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(ROOT / "config/fastdds_shm.xml")

import numpy as np
from camera_scene import FOCAL, HEIGHT, WIDTH, Camera
from checks import Checks
from geometry_msgs.msg import PoseStamped
from moveit_msgs.srv import GetPositionIK, GetStateValidity
from test_control_node import ARM, READY

PERIOD = 1 / 15
EYE = (0.5, 0.0, 1.6)
# Where the block stands, as high as the hand is to be: its top is a square of this side.
BLOCK, BLOCK_TOP, BLOCK_SIDE = (0.45, -0.40), 0.35, 0.16
THRUSTS = 40


def views():
    """Depth of the bare table, and with the block on it."""
    bare = np.full((HEIGHT, WIDTH), EYE[2], np.float32)
    block = bare.copy()
    far = EYE[2] - BLOCK_TOP
    # World x is the camera's x, world y is minus its y.
    column = WIDTH / 2 + FOCAL * (BLOCK[0] - EYE[0]) / far
    row = HEIGHT / 2 - FOCAL * (BLOCK[1] - EYE[1]) / far
    half = FOCAL * BLOCK_SIDE / 2 / far
    block[int(row - half) : int(row + half), int(column - half) : int(column + half)] = far
    return bare, block


class Bench:
    def __init__(self):
        self.client = Client("test_planner_sees")
        self.camera = Camera(self.client.node)
        self.camera.place(at=EYE)
        self.validity = self.client.node.create_client(GetStateValidity, "check_state_validity")
        self.ik = self.client.node.create_client(GetPositionIK, "compute_ik")
        self.colour = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
        self.bare, self.block = views()

    def reach_into_the_block(self):
        """Positions of the arm with the hand where the block will be."""
        pose = PoseStamped()
        pose.header.frame_id = "world"
        point, turn = pose.pose.position, pose.pose.orientation
        point.x, point.y, point.z = *BLOCK, BLOCK_TOP - 0.05
        turn.x, turn.w = 1.0, 0.0
        request = GetPositionIK.Request()
        request.ik_request.group_name, request.ik_request.pose_stamped = "panda_arm", pose
        request.ik_request.robot_state.joint_state.name = ARM
        request.ik_request.robot_state.joint_state.position = READY
        request.ik_request.timeout.sec = 1
        response = self.client.wait(self.ik.call_async(request))
        assert response.error_code.val == 1, response.error_code
        joints = response.solution.joint_state
        self.state = [joints.position[list(joints.name).index(name)] for name in ARM]
        assert self.planner_says_free(), "the bare table is in the way"

    def planner_says_free(self):
        """Whether the planner's scene leaves room for the arm there."""
        request = GetStateValidity.Request(group_name="panda_arm")
        request.robot_state.is_diff = True
        request.robot_state.joint_state.name = ARM
        request.robot_state.joint_state.position = self.state
        return self.client.wait(self.validity.call_async(request)).valid

    def show(self, depth):
        return self.camera.send(self.colour, depth)

    def told(self, stamp):
        """The obstacle points of that frame, once they have come."""
        find = lambda: next((cloud for cloud in self.camera.clouds if cloud.header.stamp == stamp), None)
        self.client.spin_until(find, 10)
        return find()

    def until_planner_says(self, free, timeout_s):
        """When the planner first said so; asked again and again."""
        end_s = time.monotonic() + timeout_s
        while time.monotonic() < end_s:
            if self.planner_says_free() == free:
                return time.monotonic()
        raise AssertionError(f"the planner does not say that it is {'free' if free else 'taken'}")


def first_frames(bench):
    """The nodes find together: bare frames until perception tells of them."""
    for _ in range(200):
        stamp = bench.show(bench.bare)
        bench.client.rest(0.1)
        if any(cloud.header.stamp == stamp for cloud in bench.camera.clouds):
            return
    raise AssertionError(f"no obstacles were told: {bench.camera.status}")


def in_with_one_out_with_two(bench):
    """Frame by frame, with as much time between them as it takes."""
    for _ in range(5):
        bench.told(bench.show(bench.bare))
        bench.until_planner_says(True, 10)
        bench.told(bench.show(bench.block))
        bench.until_planner_says(False, 10)
        bench.told(bench.show(bench.bare))
        bench.told(bench.show(bench.bare))
        bench.until_planner_says(True, 10)


def at_fifteen_frames_a_second(bench):
    """Milliseconds from the first frame that shows a change until the planner has said so."""
    came, left = [], []
    for _ in range(THRUSTS):
        for depth, free, spans in ((bench.block, False, came), (bench.bare, True, left)):
            begun, frames, known = time.monotonic(), 0, None
            # Five frames: long enough for anything that deserves the name.
            while frames < 5 or (known is None and frames < 150):
                if time.monotonic() >= begun + frames * PERIOD:
                    bench.show(depth)
                    frames += 1
                if known is None and bench.planner_says_free() == free:
                    known = time.monotonic()
                elif known is not None:
                    bench.client.rest(0.003)
            assert known is not None, f"never {'left' if free else 'came'} in the planner's scene"
            spans.append(1e3 * (known - begun))
    return came, left


def main():
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        parameters = {"robot.exclude": "false", "obstacles.known_for_s": "0.0"}
        parameters["network_folder"] = str(ROOT / "tests/ros/networks/mean")
        running = start(folder, ["perception", "move_group"], {"perception": parameters})
        bench = Bench()
        try:
            bench.client.is_active("perception")
            bench.client.is_active("move_group")
            ready = checks.run("obstacles are told of the camera's frames", first_frames, bench)
            if ready and checks.run("the planner knows a way to stand there", bench.reach_into_the_block):
                words = "a block is in the planner's scene with one frame and out of it with two"
                checks.run(words, in_with_one_out_with_two, bench)
                came, left = at_fifteen_frames_a_second(bench)
                for name, spans in (("in", came), ("out", left)):
                    middle, worst = statistics.median(spans), max(spans)
                    print(f"        {name} of {len(spans)}: median {middle:.0f} ms, at most {worst:.0f} ms after its first frame")
                checks.check("every thrust came and left", len(came) == len(left) == THRUSTS)
        finally:
            end(checks, folder, running)
            bench.client.close()
    checks.finish()


if __name__ == "__main__":
    main()
