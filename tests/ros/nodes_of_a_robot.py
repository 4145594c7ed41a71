"""The nodes of a robot as the launch table says, without a camera, against a driver that echoes commands."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

import yaml
from test_control_node import ARM, Driver

import rclpy
from checks import wait_until
from lifecycle_msgs.srv import GetState
from moveit_msgs.action import MoveGroup
from moveit_msgs.msg import Constraints, JointConstraint
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor

ROOT = Path(__file__).resolve().parents[2]
NODES = Path(os.environ.get("PRAXIS_NODES", ROOT / "target/ros/release"))


def start(folder, names, more=None):
    """Starts some nodes of the launch table; `more` parameters by node name."""
    table = yaml.safe_load((ROOT / "launch/sort_table.yaml").read_text())
    values = {name: entry["default"] for name, entry in table["arguments"].items()}
    values |= {"use_sim_time": "false", "robot_folder": f"config/{values['robot']}"}

    def fill(text):
        for name, value in values.items():
            text = text.replace("${" + name + "}", value)
        return text

    running = {}
    for entry in table["nodes"]:
        if entry["name"] not in names:
            continue
        arguments = ["--ros-args", "-r", f"__node:={entry['name']}"]
        for file in entry["parameter_files"]:
            arguments += ["--params-file", fill(file)]
        parameters = {name: fill(value) for name, value in entry.get("parameters", {}).items()}
        if entry["name"] == "control":
            # This driver is a script and the machine may be busy: a pause of either is not what is tested here.
            patience = {"stale_after_s": "0.6", "heartbeat_timeout_s": "1.0", "monitor.timeout_s": "1.0"}
            patience |= {"max_tracking_error_rad": "1.0", "longest_silence_s": "1.0"}
            parameters |= patience | {"estop_file": f"{folder}/e_stop"}
        parameters |= (more or {}).get(entry["name"], {})
        for name, value in parameters.items():
            arguments += ["-p", f"{name}:={value}"] if value else []  # an empty value is not given
        log = open(f"{folder}/{entry['name']}.log", "w")
        environment = os.environ | {"FASTRTPS_DEFAULT_PROFILES_FILE": str(ROOT / entry["fast_dds_profile"])}
        running[entry["name"]] = subprocess.Popen(
            [str(NODES / entry["executable"]), *arguments], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    return running


def end(checks, folder, running):
    """Ends nodes; what they said last is shown where a check has failed."""
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
            lines = log.read_text().splitlines()
            troubles = [line for line in lines[:-15] if " ERROR " in line or " WARN " in line]
            print(f"--- {log.name}", *troubles[-30:], *lines[-15:], sep="\n")


class Client:
    """Asks for motions as a MoveIt client does; the driver spins in a thread of its own."""

    def __init__(self, name):
        rclpy.init()
        driver_node = rclpy.create_node("driver")
        self.executor = SingleThreadedExecutor()
        self.executor.add_node(driver_node)
        self.driver = Driver(driver_node)
        self.node = rclpy.create_node(name)
        self.move = ActionClient(self.node, MoveGroup, "move_action")
        self.thread = threading.Thread(target=self.executor.spin, daemon=True)
        self.thread.start()

    def close(self):
        self.executor.shutdown()
        self.thread.join(5)
        rclpy.shutdown()

    def spin_until(self, condition, timeout_s):
        return wait_until(condition, timeout_s, lambda s: rclpy.spin_once(self.node, timeout_sec=s), 0.002)

    def wait(self, future, timeout_s=20.0):
        self.spin_until(future.done, timeout_s)
        return future.result()

    def rest(self, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            rclpy.spin_once(self.node, timeout_sec=0.01)

    def is_active(self, name):
        state = self.node.create_client(GetState, f"/{name}/get_state")
        self.spin_until(state.service_is_ready, 20)

        def active():
            return self.wait(state.call_async(GetState.Request())).current_state.label == "active"

        wait_until(active, 20, self.rest, 0.1)

    def move_to(self, target):
        """Sends a motion of the arm on its way; returns its goal handle."""
        goal = MoveGroup.Goal()
        goal.request.group_name = "panda_arm"
        goal.request.allowed_planning_time = 2.0
        goal.request.num_planning_attempts = 1
        goal.request.start_state.is_diff = True
        joints = [
            JointConstraint(joint_name=name, position=position, tolerance_above=1e-3, tolerance_below=1e-3, weight=1.0)
            for name, position in zip(ARM, target)
        ]
        goal.request.goal_constraints = [Constraints(joint_constraints=joints)]
        handle = self.wait(self.move.send_goal_async(goal))
        assert handle.accepted, "the goal was refused"
        return handle

    def speed(self):
        """Of the fastest joint, as commanded."""
        return max(abs(velocity) for velocity in self.driver.velocity)
