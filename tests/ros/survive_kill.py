"""Kill -9 of each node in turn while the table is sorted: the arm stops, and the work goes on.

Runs beside `cargo xtask demo` (same domain, nodes are respawned by it):
    cargo xtask exec -- python3 tests/ros/survive_kill.py
"""

import os
import signal
import subprocess
import time

import rclpy
from checks import Checks, wait_until
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import JointState

# Node executable -> seconds after the kill by which the arm must not move any more. Perception and
# task give no motion commands themselves: what is under way may end.
STOPS_WITHIN_S = {"planning_node": 0.5, "control_node": 0.5, "perception_node": None, "task_node": None}
MOVING_RAD_PER_S = 0.02


class Arm:
    def __init__(self, node):
        self.speed = 0.0
        self.seen = 0.0
        node.create_subscription(JointState, "joint_states", self.on_state, qos_profile_sensor_data)

    def on_state(self, message):
        arm = [abs(v) for n, v in zip(message.name, message.velocity) if "finger" not in n]
        self.speed = max(arm) if arm else 0.0
        self.seen = time.monotonic()

    def moves(self):
        return time.monotonic() - self.seen < 0.2 and self.speed > 0.1


def pid_of(executable):
    """Newest process of that executable in this session's domain."""
    found = subprocess.run(["pgrep", "-nx", executable[:15]], capture_output=True, text=True).stdout.split()
    return int(found[0]) if found else None


def kill_in_motion(node, arm, executable, limit_s):
    spin = lambda s: rclpy.spin_once(node, timeout_sec=s)
    wait_until(arm.moves, 90, spin, 0.005)
    old = pid_of(executable)
    assert old, f"{executable} does not run"
    os.kill(old, signal.SIGKILL)
    killed = time.monotonic()
    detail = ""
    if limit_s is not None:
        last_moving = killed
        while time.monotonic() < killed + limit_s + 0.5:
            spin(0.005)
            if arm.speed > MOVING_RAD_PER_S:
                last_moving = time.monotonic()
            if pid_of(executable) not in (None, old) and arm.speed > 0.1 and time.monotonic() > killed + limit_s:
                break  # respawned and on its way again
        stopped_after = last_moving - killed
        new_source = pid_of(executable) not in (None, old)
        assert stopped_after <= limit_s or new_source, f"still moving {stopped_after:.2f} s after the kill"
        detail = f"at rest {stopped_after:.2f} s after the kill"
    wait_until(lambda: pid_of(executable) not in (None, old), 20, spin, 0.05)
    time.sleep(1.0)
    wait_until(arm.moves, 90, spin, 0.005)
    return detail or "moving again"


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
