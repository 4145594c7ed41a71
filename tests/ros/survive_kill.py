"""Kill -9 of each node in turn while the table is sorted: the arm stops, and the work goes on.

Runs beside `cargo xtask demo` (same domain, nodes are respawned by it):
    cargo xtask exec -- python3 tests/ros/survive_kill.py
"""

import os
import signal
import time

import rclpy
from checks import Checks, wait_until
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState

# Node executable -> seconds after the kill within which the arm must have come to rest. Perception
# and task command no motion themselves: what is under way may end.
STOPS_WITHIN_S = {"planning_node": 0.5, "control_node": 0.5, "perception_node": None, "task_node": None}
AT_REST_RAD_PER_S = 0.02
IN_MOTION_RAD_PER_S = 0.3


class Arm:
    """The fastest joint of the arm, in rad/s, and when that was heard."""

    def __init__(self, node):
        self.speed = 0.0
        self.heard = 0.0
        node.create_subscription(JointState, "joint_states", self.on_state, qos_profile_sensor_data)

    def on_state(self, message):
        arm = [abs(v) for n, v in zip(message.name, message.velocity) if "finger" not in n]
        self.speed = max(arm) if arm else 0.0
        self.heard = time.monotonic()

    def moves(self):
        """the arm moves"""
        return time.monotonic() - self.heard < 0.1 and self.speed > IN_MOTION_RAD_PER_S


def pid_of(executable):
    """The process of that executable in this domain, if there is one."""
    domain = f"ROS_DOMAIN_ID={os.environ['ROS_DOMAIN_ID']}".encode()
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                program = file.read().split(b"\0")[0].decode()
            with open(f"/proc/{pid}/environ", "rb") as file:
                is_ours = domain in file.read().split(b"\0")
        except OSError:
            continue  # it has just ended
        if os.path.basename(program) == executable and is_ours:
            return int(pid)
    return None


def kill_in_motion(node, arm, executable, limit_s):
    def spin(period_s):
        rclpy.spin_once(node, timeout_sec=period_s)

    wait_until(arm.moves, 90, spin, 0.005)
    old = pid_of(executable)
    assert old, f"{executable} does not run"
    os.kill(old, signal.SIGKILL)
    killed = time.monotonic()
    detail = ""
    if limit_s is not None:

        def at_rest():
            """the arm comes to rest"""
            return arm.heard > killed and arm.speed < AT_REST_RAD_PER_S

        wait_until(at_rest, limit_s, spin, 0.002)
        detail = f"at rest {time.monotonic() - killed:.2f} s after the kill, "

    def started_again():
        """the node is started again"""
        return pid_of(executable) not in (None, old)

    wait_until(started_again, 20, spin, 0.05)
    again = time.monotonic()
    # What was under way ends; only a motion that begins after a rest is new work.
    wait_until(lambda: arm.speed < AT_REST_RAD_PER_S, 30, spin, 0.005)
    wait_until(arm.moves, 40, spin, 0.005)
    return f"{detail}at work {time.monotonic() - again:.1f} s after its new start"


def main():
    rclpy.init()
    node, checks = rclpy.create_node("survive_kill"), Checks()
    arm = Arm(node)
    for executable, limit_s in STOPS_WITHIN_S.items():
        checks.run(f"kill -9 of {executable} in motion", kill_in_motion, node, arm, executable, limit_s)
    node.destroy_node()
    rclpy.shutdown()
    checks.finish()


if __name__ == "__main__":
    main()
