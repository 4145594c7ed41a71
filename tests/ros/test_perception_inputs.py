"""Perception on compressed pictures and on recordings, seen by rclpy alone.

    cargo xtask exec -- python3 tests/ros/test_perception_inputs.py

The scene is that of camera_scene.py; messages are written by ROS's own serialisation. Uses a ROS
domain of its own.
"""

import json
import os
import struct
import subprocess
import tempfile
import time
from pathlib import Path

os.environ["ROS_DOMAIN_ID"] = str(100 + os.getpid() % 100)

import numpy as np
import rclpy
from builtin_interfaces.msg import Time
from camera_scene import CENTRE, SIZE, Camera, camera_info, camera_place, check_box, compressed_colour, compressed_depth, picture
from checks import Checks
from rclpy.serialization import serialize_message
from sensor_msgs.msg import Image

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = Path(os.environ.get("PRAXIS_NODES", ROOT / "target/ros/release"))
NETWORK = ROOT / "tests/ros/networks/mean"


def compressed_pictures(checks):
    """The node with image_transport compressed."""
    camera = Camera()
    arguments = ["-p", f"network_folder:={NETWORK}", "-p", "image_transport:=compressed"]
    process = subprocess.Popen([PROGRAMS / "perception_node", "--ros-args", *arguments])
    try:
        checks.check("the node starts", camera.until(lambda: camera.level("network")[0] == 0, 20.0))
        camera.place()
        colour, depth = picture()
        for name, depth in [("millimetres", np.round(depth * 1000).astype(np.uint16)), ("inverse depth", depth)]:
            camera.objects.clear()
            stamps = []
            camera.until(lambda: stamps.append(camera.send_compressed(colour, depth)) or len(camera.objects) > 6, 10.0)
            check_box(checks, f"compressed, {name}", camera.objects)
        before = len(camera.objects)
        message = compressed_colour(colour, camera.node.get_clock().now().to_msg())
        message.data = message.data[:200]
        told = lambda: "compressed" in camera.level("camera")[1]
        camera.until(lambda: camera.compressed_out[0].publish(message) or told(), 5.0)
        checks.check("a damaged picture is told", told(), f"{camera.level('camera')}")
        camera.until(lambda: camera.send_compressed(colour, depth) and len(camera.objects) > before, 5.0)
        checks.check("and the next one is read", len(camera.objects) > before and process.poll() is None)
    finally:
        process.terminate()
        process.wait(5.0)


def two_cameras(checks):
    """Two cameras over different places see the same box: one object, whoever looks."""
    left_at = (-0.12, 0.0)
    camera, left = Camera(rclpy.create_node("test_two")), Camera(rclpy.create_node("test_left"), "left")
    arguments = ["-p", f"network_folder:={NETWORK}", "-p", "further_cameras:=[left]"]
    process = subprocess.Popen([PROGRAMS / "perception_node", "--ros-args", *arguments])
    try:
        checks.check("the node starts with two cameras", camera.until(lambda: camera.level("network")[0] == 0, 20.0))
        camera.place()
        left.place("left_optical", (*left_at, 1.0))
        views = [picture(), picture(left_at)]
        sent = [set(), set()]

        def look(both=True):
            """A frame of each, half a period apart."""
            for k, (eyes, frame) in enumerate([(camera, "camera_optical"), (left, "left_optical")]):
                if k == 1 or both:
                    stamp = eyes.send(*views[k], frame=frame)
                    sent[k].add((stamp.sec, stamp.nanosec))
                camera.pause(1 / 30)

        def told(k):
            stamps = [message.header.stamp for message in camera.objects]
            return sum((stamp.sec, stamp.nanosec) in sent[k] for stamp in stamps)

        camera.until(lambda: look() or min(told(0), told(1)) > 20, 20.0)
        checks.check("frames of both are answered", min(told(0), told(1)) > 20, f"{told(0)} and {told(1)}")
        check_box(checks, "two cameras", camera.objects)
        later = camera.objects[10:]
        ids = {found.id for message in later for found in message.detections}
        counts = {len(message.detections) for message in later}
        checks.check("it is one object all the time", ids == {"1"} and counts == {1}, f"{ids} {counts}")
        before = told(1)
        silent = lambda: camera.level("camera")[0] == 2 and told(1) > before + 10
        camera.until(lambda: look(both=False) or silent(), 10.0)
        checks.check("one that falls silent is told, the other looks on", silent(), f"{camera.level('camera')}, {told(1) - before} frames")
        checks.check("each has its diagnostics", camera.level("camera left")[0] == 0, f"{camera.level('camera left')}")
    finally:
        process.terminate()
        process.wait(5.0)


class Recorder:
    """Writes MCAP without chunks, as its specification has it."""

    def __init__(self, path):
        self.file = open(path, "wb")
        self.channels = {}
        self.file.write(b"\x89MCAP0\r\n")
        self.record(0x01, self.text("ros2") + self.text("camera_scene"))

    def text(self, value):
        data = value.encode()
        return struct.pack("<I", len(data)) + data

    def record(self, kind, body):
        self.file.write(struct.pack("<BQ", kind, len(body)) + body)

    def write(self, topic, message, seconds):
        if topic not in self.channels:
            number = len(self.channels) + 1
            kind = type(message).__module__.split(".")[0] + "/msg/" + type(message).__name__
            self.record(0x03, struct.pack("<H", number) + self.text(kind) + self.text("ros2msg") + self.text(""))
            self.record(0x04, struct.pack("<HH", number, number) + self.text(topic) + self.text("cdr") + self.text(""))
            self.channels[topic] = number
        nanoseconds = int(seconds * 1e9)
        head = struct.pack("<HIQQ", self.channels[topic], 0, nanoseconds, nanoseconds)
        self.record(0x05, head + serialize_message(message))

    def close(self):
        self.record(0x0F, struct.pack("<I", 0))
        self.record(0x02, struct.pack("<QQI", 0, 0, 0))
        self.file.write(b"\x89MCAP0\r\n")
        self.file.close()


def image(array, encoding, stamp):
    message = Image(encoding=encoding, height=array.shape[0], width=array.shape[1])
    message.header.stamp, message.header.frame_id = stamp, "camera_optical"
    message.step = array.nbytes // array.shape[0]
    message.data = array.tobytes()
    return message


def record(path, compressed, frames=10, transforms=True):
    colour, depth = picture()
    recorder = Recorder(path)
    for k in range(frames):
        seconds = 1000.0 + k / 15
        stamp = Time(sec=int(seconds), nanosec=int(seconds % 1 * 1e9))
        recorder.write("/camera/color/camera_info", camera_info(stamp), seconds)
        if compressed:
            recorder.write("/camera/depth/image_raw/compressedDepth", compressed_depth(depth, stamp), seconds)
            recorder.write("/camera/color/image_raw/compressed", compressed_colour(colour, stamp), seconds)
        else:
            recorder.write("/camera/depth/image_raw", image(depth, "32FC1", stamp), seconds)
            recorder.write("/camera/color/image_raw", image(colour, "rgb8", stamp), seconds)
        # Later than the picture that needs it.
        if k == 2 and transforms:
            recorder.write("/tf_static", camera_place(), seconds)
    recorder.close()


def perceive(*arguments):
    command = [PROGRAMS / "praxis", "perceive", "--network", NETWORK, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=ROOT)


def recordings(checks):
    """`praxis perceive` on what was recorded."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "bag.mcap"
        for name, compressed in [("raw", False), ("compressed", True)]:
            record(file, compressed)
            run = perceive(file, "--json")
            lines = [json.loads(line) for line in run.stdout.splitlines()]
            frames, last = lines[:-1], lines[-1] if lines else {}
            whole = run.returncode == 0 and last.get("frames") == 10 and last.get("refused") == 0
            checks.check(f"{name}: every recorded frame is looked at", whole, f"{last} {run.stderr[-300:]}")
            found = frames[-1]["objects"] if frames else []
            checks.check(f"{name}: one object is told", len(found) == 1, f"{found}")
            if found:
                x, y, _ = found[0]["position_m"]
                off = np.hypot(x - CENTRE[0], y - CENTRE[1])
                checks.check(f"{name}: within 4 mm", off < 0.004, f"{off * 1e3:.2f} mm")
                checks.check(f"{name}: height", abs(found[0]["size_m"][2] - SIZE[2]) < 0.004, f"{found[0]['size_m']}")
            checks.check(f"{name}: latencies are told", "whole" in last.get("stages_ms", {}), f"{last}")
        text = perceive(file).stdout
        checks.check("text for people", "box" in text and "10 frames on cpu" in text and "p95" in text, text[-400:])

        record(file, False, transforms=False)
        run = perceive(file)
        told = "camera pose" in run.stdout and "could be looked at" in run.stderr
        checks.check("without transforms it says so and fails", run.returncode != 0 and told, run.stderr)
        record(file, False)
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        run = perceive(file)
        checks.check("a file cut short is told after what it holds", "is damaged" in run.stderr and "box" in run.stdout, run.stderr)
        file.write_bytes(b"SQLite format 3\0" + bytes(100))
        run = perceive(file)
        checks.check("another container: the cure is told", run.returncode != 0 and "ros2 bag convert" in run.stderr, run.stderr)


def main():
    checks = Checks()
    rclpy.init()
    recordings(checks)
    compressed_pictures(checks)
    two_cameras(checks)
    rclpy.shutdown()
    checks.finish()


main()
