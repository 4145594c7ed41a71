"""Worlds and robots hold before libsdformat's and urdfdom's checkers, where those are installed.

    sudo apt install ignition-tools libsdformat-dev liburdfdom-tools      (Debian; gz-tools2 has `gz sdf` elsewhere)

Without them the structure is checked all the same: names, joints, controllers, plugins.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET

import yaml
from checks import Checks
from code_constants import ROOT, plain, topics

PRAXIS = pathlib.Path(os.environ.get("PRAXIS_NODES", ROOT / "target/ros/release")) / "praxis"
HARDWARE = ("mock", "gazebo", "topic")


def said(command):
    """Exit code and all that a command says."""
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True)
    return done.returncode, (done.stdout + done.stderr).strip()


class Checkers:
    """The tools that are there; those that are not are told once."""

    def __init__(self):
        self.sdf = next(([tool, "sdf"] for tool in ("gz", "ign") if shutil.which(tool)), None)
        self.urdf = shutil.which("check_urdf")
        missing = []
        if self.sdf is None or "Check" not in said([*self.sdf, "--help"])[1]:
            self.sdf = None
            missing.append("sudo apt install ignition-tools libsdformat-dev")
        if self.urdf is None:
            missing.append("sudo apt install liburdfdom-tools")
        for command in missing:
            print(f"skipped: a checker is not installed; {command}", flush=True)

    def world(self, checks, path):
        if self.sdf:
            code, text = said([*self.sdf, "--check", path])
            valid = code == 0 and "Valid" in text and "Error" not in text
            checks.check(f"libsdformat takes {path.name}", valid, text)

    def robot(self, checks, name, path):
        if self.urdf:
            code, text = said([self.urdf, path])
            checks.check(f"urdfdom takes {name}", code == 0 and "Successfully Parsed" in text, text)
        if self.sdf:
            code, text = said([*self.sdf, "-p", path])
            checks.check(f"libsdformat converts {name}", code == 0 and "<sdf" in text and "Error" not in text, text[:400])


def check_world(checks, path):
    world = ET.parse(path).getroot().find("world")
    names = [model.get("name") for model in world.findall("model")]
    checks.check(f"{path.name}: every model has its own name", names and len(names) == len(set(names)), names)
    plugins = {plugin.get("name").rsplit("::", 1)[-1] for plugin in world.findall("plugin")}
    checks.check(f"{path.name}: physics, sensors and contacts run", {"Physics", "Sensors", "Contact"} <= plugins, plugins)
    cameras = [sensor for sensor in world.iter("sensor") if sensor.get("type") == "rgbd_camera"]
    bridged = {plain(entry["gz_topic_name"]) for entry in yaml.safe_load((ROOT / "config/gazebo/bridge.yaml").read_text())}
    told = {f"{camera.find('topic').text}/{end}" for camera in cameras for end in ("image", "depth_image", "camera_info")}
    checks.check(f"{path.name}: the bridge carries its camera", told and told <= bridged, told - bridged)
    checks.check(f"{path.name}: objects are listened to for contacts", any(s.get("type") == "contact" for s in world.iter("sensor")))


def check_robot(checks, checkers, robot, folder):
    sim = yaml.safe_load((ROOT / f"config/{robot}/sim.yaml").read_text())["/**"]["ros__parameters"]
    control = yaml.safe_load((ROOT / f"config/{robot}/control.yaml").read_text())["/**"]["ros__parameters"]
    checkers.robot(checks, robot, ROOT / sim["robot_description_file"])
    code, text = said([PRAXIS, "doctor", robot])
    checks.check(f"{robot}: praxis doctor finds nothing wrong", code == 0, text)
    for hardware in HARDWARE:
        path = folder / f"{robot}_{hardware}.urdf"
        code, text = said([PRAXIS, "urdf", robot, "--control", hardware, "--out", path])
        if not checks.check(f"{robot}: praxis urdf --control {hardware}", code == 0, text):
            continue
        tag = ET.parse(path).getroot().find("ros2_control")
        driven = [joint.get("name") for joint in tag.findall("joint")]
        checks.check(f"{robot}: ros2_control for {hardware} drives the joints of control.yaml", driven[: len(control["joints"])] == control["joints"], driven)
        if hardware == "topic":
            names = {param.get("name"): param.text for param in tag.iter("param")}
            fits = all(names[f"joint_{what}_topic"] in topics() for what in ("commands", "states"))
            checks.check(f"{robot}: topic-based hardware speaks on our topics", fits, names)
        checkers.robot(checks, f"{robot} with {hardware} tags", path)
    controllers = yaml.safe_load((ROOT / f"config/{robot}/controllers.yaml").read_text())
    listed = controllers["arm_controller"]["ros__parameters"]["joints"]
    checks.check(f"{robot}: the stock controller has the same joints", listed == control["joints"], listed)


def main():
    checks = Checks()
    checkers = Checkers()
    for path in sorted((ROOT / "models/worlds").glob("*.sdf")):
        check_world(checks, path)
        checkers.world(checks, path)
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted((ROOT / "config").glob("*/control.yaml")):
            check_robot(checks, checkers, path.parent.name, pathlib.Path(folder))
    checks.finish()


if __name__ == "__main__":
    main()
