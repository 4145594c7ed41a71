"""The demo on two machines: simulator and perception on one, planning, control and task on the other; the link is cut.

    cargo xtask test --only two_machines        (as root: two network namespaces stand for the machines)

While the arm moves the link goes down for 2 s. Then the driver must be at rest within half a second and stay so, and
after the link is back the table must go on being sorted, without a forbidden contact.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import time

import yaml
from checks import Checks, wait_until
from code_constants import ROOT

FAR = ("control", "move_group", "task")
BRIDGE, NEAR_NS, FAR_NS = "praxis_br", "praxis_near", "praxis_far"
FOLDER = ROOT / "target/two_machines"
JUDGE = FOLDER / "judge.jsonl"
CUT_S = 2.0
AT_REST_WITHIN_S = 0.5
AT_REST_RAD_PER_S = 0.02


def outside(*words, check=True):
    """Runs `ip` where this script was started, where the link between the two namespaces is."""
    home = os.environ.get("PRAXIS_OUTSIDE", str(os.getpid()))
    quiet = None if check else subprocess.DEVNULL
    subprocess.run(["nsenter", f"--net=/proc/{home}/ns/net", "ip", *words], check=check, stderr=quiet)


def connect():
    """Two namespaces on a bridge, each with an address and a way for discovery's multicast."""
    disconnect()
    outside("link", "add", BRIDGE, "type", "bridge")
    outside("link", "set", BRIDGE, "up")
    for number, name in ((1, NEAR_NS), (2, FAR_NS)):
        end, there = f"praxis_{number}", f"praxis_{number}p"
        outside("netns", "add", name)
        outside("link", "add", end, "type", "veth", "peer", "name", there)
        outside("link", "set", end, "master", BRIDGE, "up")
        outside("link", "set", there, "netns", name)
        for words in (["addr", "add", f"10.213.7.{number}/24", "dev", there], ["link", "set", there, "up"], ["link", "set", "lo", "up"], ["route", "add", "224.0.0.0/4", "dev", there]):
            outside("-n", name, *words)


def disconnect():
    for words in (["link", "del", BRIDGE], ["netns", "del", NEAR_NS], ["netns", "del", FAR_NS], ["link", "del", "praxis_1"], ["link", "del", "praxis_2"]):
        outside(*words, check=False)


def start(seed):
    """The nodes of the launch table, each in its namespace."""
    table = yaml.safe_load((ROOT / "launch/sort_table.yaml").read_text())
    values = {name: argument["default"] for name, argument in table["arguments"].items()}
    values |= {"seed": str(seed), "judge_file": str(JUDGE), "robot_folder": "config/panda", "time_limit_s": "600.0"}
    filled = lambda text: re.sub(r"\$\{(\w+)\}", lambda match: values[match[1]], text)
    started = []
    for entry in table["nodes"]:
        name = entry["name"]
        words = ["ip", "netns", "exec", FAR_NS if name in FAR else NEAR_NS, f"{os.environ['PRAXIS_NODES']}/{entry['executable']}", "--ros-args", "-r", f"__node:={name}"]
        for file in entry.get("parameter_files", []):
            words += ["--params-file", filled(file)]
        for key, text in entry.get("parameters", {}).items():
            if filled(text):
                words += ["-p", f"{key}:={filled(text)}"]
        profile = {"FASTRTPS_DEFAULT_PROFILES_FILE": str(ROOT / entry["fast_dds_profile"])}
        log = open(FOLDER / f"{name}.log", "w")
        started.append(subprocess.Popen(words, cwd=ROOT, env=os.environ | profile, stdout=log, stderr=log))
    return started


def verdict():
    lines = JUDGE.read_text().splitlines() if JUDGE.is_file() else []
    return json.loads(lines[-1]) if lines else {"placed": 0, "forbidden_contacts": 0}


class Arm:
    """What the driver tells about the arm, beside the simulator."""

    def __init__(self):
        import rclpy
        from rclpy.qos import qos_profile_sensor_data
        from sensor_msgs.msg import JointState

        rclpy.init()
        self.rclpy, self.node = rclpy, rclpy.create_node("watcher")
        self.speed, self.moved_at = 0.0, 0.0
        self.node.create_subscription(JointState, "joint_states", self.hear, qos_profile_sensor_data)

    def hear(self, message):
        arm = [speed for name, speed in zip(message.name, message.velocity) if "finger" not in name]
        self.speed = max(map(abs, arm))
        if self.speed > AT_REST_RAD_PER_S:
            self.moved_at = time.monotonic()

    def spin(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.rclpy.spin_once(self.node, timeout_sec=left)

    def moves(self, faster_than):
        """the arm moves"""
        return self.speed > faster_than


def inside():
    """In the simulator's namespace: watches, cuts, judges."""
    checks = Checks()
    arm = Arm()
    started = start(seed=1)
    try:
        wait = lambda condition, seconds: wait_until(condition, seconds, arm.spin)
        checks.run("the first object is placed, over both machines", lambda: wait(lambda: verdict()["placed"] >= 1, 300) and None)
        before = verdict()
        checks.run("the arm is in motion", lambda: wait(lambda: arm.moves(0.3), 120) and None)
        cut_at = time.monotonic()
        outside("link", "set", "praxis_2", "down")
        arm.spin(CUT_S)
        still_after_s = arm.moved_at - cut_at
        checks.check(f"with the link cut the arm is at rest after {still_after_s:.2f} s, at most {AT_REST_WITHIN_S}, and stays so", still_after_s <= AT_REST_WITHIN_S and not arm.moves(AT_REST_RAD_PER_S))
        outside("link", "set", "praxis_2", "up")
        back_at = time.monotonic()
        checks.run("it moves again once the link is back", lambda: wait(lambda: arm.moves(0.1), 60) and f"{time.monotonic() - back_at:.1f} s")
        checks.run("another object is placed after that", lambda: wait(lambda: verdict()["placed"] > before["placed"], 300) and None)
        now = verdict()
        checks.check("no forbidden contact", now["forbidden_contacts"] == 0, now.get("contacts"))
    finally:
        for process in started:
            process.terminate()
        for process in started:
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
    checks.finish()


def main():
    if "--inside" in sys.argv:
        inside()
    if os.geteuid() != 0:
        sys.exit("network namespaces need root: sudo -E cargo xtask test --only two_machines")
    FOLDER.mkdir(parents=True, exist_ok=True)
    JUDGE.unlink(missing_ok=True)
    connect()
    try:
        environment = os.environ | {"PRAXIS_OUTSIDE": str(os.getpid()), "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}
        environment["FASTRTPS_DEFAULT_PROFILES_FILE"] = str(ROOT / "config/fastdds_udp.xml")
        words = ["ip", "netns", "exec", NEAR_NS, sys.executable, "-u", str(pathlib.Path(__file__).resolve()), "--inside"]
        code = subprocess.run(words, env=environment, cwd=pathlib.Path(__file__).parent).returncode
    finally:
        disconnect()
    sys.exit(code)


if __name__ == "__main__":
    main()
