"""Minutes that stand for the hour after start: idle cost, flat memory, prompt cancels.

    cargo xtask test --only test_endurance        ENDURANCE_S=3600 lets it last an hour

The four nodes of a robot run as the launch table says, without a camera, against a driver that echoes
commands. A motion is asked for every few seconds; every third one is cancelled under way.
"""

import os
import signal
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import yaml
from test_control_node import ARM, READY, Driver

import rclpy
from action_msgs.msg import GoalStatus
from checks import Checks, wait_until
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from moveit_msgs.action import MoveGroup
from moveit_msgs.msg import Constraints, JointConstraint
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor

ROOT = Path(__file__).resolve().parents[2]
NODES = Path(os.environ.get("PRAXIS_NODES", ROOT / "target/ros/release"))
DURATION_S = float(os.environ.get("ENDURANCE_S", 120.0))
IDLE_WINDOW_S = 20.0
# Shares of a core that an idle node may take.
IDLE = {"task": 0.03, "perception": 0.03, "move_group": 0.05, "control": 0.15}
CANCEL_MS = 20.0
# What an allocator may still gather after the first third; a leak of one message per cycle of the
# loop or per goal is far beyond it.
MEMORY_GROWTH_MB = 3.0


def start(folder):
    """The nodes of the launch table but the simulator."""
    table = yaml.safe_load((ROOT / "launch/sort_table.yaml").read_text())
    values = {name: entry["default"] for name, entry in table["arguments"].items()}
    values |= {"use_sim_time": "false"}

    def fill(text):
        for name, value in values.items():
            text = text.replace("${" + name + "}", value)
        return text

    running = {}
    for entry in table["nodes"]:
        if entry["name"] == "sim":
            continue
        arguments = ["--ros-args", "-r", f"__node:={entry['name']}"]
        for file in entry["parameter_files"]:
            arguments += ["--params-file", fill(file)]
        for name, value in entry.get("parameters", {}).items():
            arguments += ["-p", f"{name}:={fill(value)}"]
        if entry["name"] == "control":
            # This driver is a script: it needs patience on a busy machine.
            arguments += ["-p", "stale_after_s:=0.6", "-p", f"estop_file:={folder}/e_stop"]
        log = open(f"{folder}/{entry['name']}.log", "w")
        environment = os.environ | {"FASTRTPS_DEFAULT_PROFILES_FILE": str(ROOT / entry["fast_dds_profile"])}
        running[entry["name"]] = subprocess.Popen(
            [str(NODES / entry["executable"]), *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    return running


class Client:
    """Asks for motions as a MoveIt client does."""

    def __init__(self, node, driver):
        self.node, self.driver = node, driver
        self.move = ActionClient(node, MoveGroup, "move_action")
        self.turn, self.cancel_ms, self.ends = 0, [], []

    def spin_until(self, condition, timeout_s):
        return wait_until(condition, timeout_s, lambda s: rclpy.spin_once(self.node, timeout_sec=s), 0.002)

    def wait(self, future, timeout_s=20.0):
        self.spin_until(future.done, timeout_s)
        return future.result()

    def rest(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rclpy.spin_once(self.node, timeout_sec=0.01)

    def one_motion(self):
        """There and back; every third motion is cancelled as soon as the arm moves."""
        self.turn += 1
        goal = MoveGroup.Goal()
        goal.request.group_name = "panda_arm"
        goal.request.allowed_planning_time = 2.0
        goal.request.num_planning_attempts = 1
        goal.request.start_state.is_diff = True
        target = list(READY)
        target[0] += 0.4 * (-1) ** self.turn
        joints = [
            JointConstraint(joint_name=name, position=position, tolerance_above=1e-3, tolerance_below=1e-3, weight=1.0)
            for name, position in zip(ARM, target)
        ]
        goal.request.goal_constraints = [Constraints(joint_constraints=joints)]
        handle = self.wait(self.move.send_goal_async(goal))
        assert handle.accepted, "the goal was refused"
        result = handle.get_result_async()
        if self.turn % 3 == 0:

            def moves():
                """the arm moves"""
                assert not result.done(), result.result().result.error_code
                return max(abs(v) for v in self.driver.velocity) > 0.05

            self.spin_until(moves, 10)
            begun = time.monotonic()
            self.wait(handle.cancel_goal_async())
            self.cancel_ms.append(1e3 * (time.monotonic() - begun))
        self.ends.append((self.turn % 3 == 0, self.wait(result).status))


def cpu_s(process):
    fields = Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_mb(process):
    pages = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def is_active(client, name):
    state = client.node.create_client(GetState, f"/{name}/get_state")
    client.spin_until(state.service_is_ready, 20)

    def active():
        return client.wait(state.call_async(GetState.Request())).current_state.label == "active"

    wait_until(active, 20, client.rest, 0.1)


def set_aside(client, name):
    """Deactivates a node that would give the arm motions of its own."""
    change = client.node.create_client(ChangeState, f"/{name}/change_state")
    client.spin_until(change.service_is_ready, 20)
    request = ChangeState.Request()
    request.transition.id = Transition.TRANSITION_DEACTIVATE
    assert client.wait(change.call_async(request)).success, "the transition was refused"


def idle_cost(client, checks, running):
    client.rest(5.0)
    before = {name: cpu_s(process) for name, process in running.items()}
    begun = time.monotonic()
    client.rest(IDLE_WINDOW_S)
    passed = time.monotonic() - begun
    for name, limit in IDLE.items():
        share = (cpu_s(running[name]) - before[name]) / passed
        checks.check(f"{name}, idle: {100 * share:.1f} % of a core, at most {100 * limit:.0f} %", share < limit)


def work(client, running):
    """Motions for the whole time; memory after a third and at the end."""
    begun, early = time.monotonic(), None
    while time.monotonic() < begun + DURATION_S:
        client.one_motion()
        client.rest(0.5)
        if early is None and time.monotonic() > begun + DURATION_S / 3:
            early = {name: memory_mb(process) for name, process in running.items()}
    return early, {name: memory_mb(process) for name, process in running.items()}


def run(client, checks, running):
    for name in running:
        if not checks.run(f"{name} is active", is_active, client, name):
            return
    assert client.move.wait_for_server(timeout_sec=20), "no move_action"
    idle_cost(client, checks, running)
    checks.run("task is set aside", set_aside, client, "task")
    early, late = work(client, running)
    for name in running:
        grown = late[name] - early[name]
        checks.check(f"memory of {name}: {late[name]:.1f} MB, {grown:+.2f} MB in the last two thirds", grown < MEMORY_GROWTH_MB)
    expected = [GoalStatus.STATUS_CANCELED if cancelled else GoalStatus.STATUS_SUCCEEDED for cancelled, _ in client.ends]
    ended = [status for _, status in client.ends]
    checks.check(f"all {len(ended)} motions ended as asked for", ended == expected and len(ended) > 5, str(ended))
    # The median: this script shares the machine with what it measures.
    median = sorted(client.cancel_ms)[len(client.cancel_ms) // 2]
    checks.check(
        f"a cancel is answered in {median:.1f} ms (median of {len(client.cancel_ms)}, at most {max(client.cancel_ms):.1f} ms)",
        median < CANCEL_MS,
    )
    for name, process in running.items():
        checks.check(f"{name} lives", process.poll() is None)


def main():
    checks = Checks()
    rclpy.init()
    driver_node = rclpy.create_node("driver")
    executor = SingleThreadedExecutor()
    executor.add_node(driver_node)
    client = Client(rclpy.create_node("test_endurance"), Driver(driver_node))
    thread = threading.Thread(target=executor.spin, daemon=True)
    thread.start()
    with tempfile.TemporaryDirectory() as folder:
        running = start(folder)
        try:
            run(client, checks, running)
        finally:
            for process in running.values():
                process.send_signal(signal.SIGINT)
            for name, process in running.items():
                try:
                    process.wait(5)
                except subprocess.TimeoutExpired:
                    process.kill()
                    checks.check(f"{name} ends when asked to", False)
            if checks.failed:
                for log in sorted(Path(folder).glob("*.log")):
                    print(f"--- {log.name}", *log.read_text().splitlines()[-15:], sep="\n")
    executor.shutdown()
    thread.join(5)
    rclpy.shutdown()
    checks.finish()


if __name__ == "__main__":
    main()
