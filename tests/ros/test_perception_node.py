"""The perception node on good and bad camera data, seen by rclpy alone.

    cargo xtask exec -- python3 tests/ros/test_perception_node.py PATH/OF/perception_node

A camera looks straight down from one metre; a red box of 60×40×50 mm stands on the table, turned by
0.3 rad. Then the camera sends what cameras send on bad days. Uses a ROS domain of its own.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

os.environ["ROS_DOMAIN_ID"] = str(100 + os.getpid() % 100)

import numpy as np
import rclpy
from camera_scene import Camera, check_box, picture
from checks import Checks
from lifecycle_msgs.srv import ChangeState, GetState

ROOT = Path(__file__).resolve().parents[2]


def expect_refusal(checks, camera, name, part, words, seconds=3.0, **frame):
    camera.stream(0.3, **frame)
    before = len(camera.objects)
    camera.stream(seconds, **frame)
    level, text, _ = camera.level(part)
    checks.check(f"{name}: nothing is told", len(camera.objects) == before, f"{len(camera.objects) - before} messages")
    checks.check(f"{name}: diagnostics say so", level == 2 and words in text, f"{level} {text!r}")


def run(checks, camera, process):
    colour, depth = picture()
    good = dict(colour=colour, depth=depth)
    ready = camera.until(lambda: camera.level("network")[0] == 0, 20.0)
    checks.check("the network is loaded and its provider told", ready, f"{camera.level('network')}")
    checks.check("provider", camera.level("network")[2].get("provider") == "cpu")
    camera.pause(2.5)
    level, text, _ = camera.level("camera")
    checks.check("an unplugged camera is told", level == 2 and "camera plugged in" in text, f"{level} {text!r}")

    expect_refusal(checks, camera, "without a transform", "pipeline", "camera pose", **good)
    camera.place()
    check_box(checks, "metres", camera.stream(2.0, **good))
    latest = camera.clouds[-1].width if camera.clouds else None
    checks.check("no obstacle is left beside the box", latest == 0, f"{latest} points")
    obstacle_comes_and_goes(checks, camera, colour, depth)
    millimetres = np.round(depth * 1000).astype(np.uint16)
    check_box(checks, "millimetres", camera.stream(2.0, colour, millimetres))
    holes = depth.copy()
    holes[np.random.default_rng(1).random(depth.shape) < 0.15] = np.nan
    check_box(checks, "NaN at some pixels", camera.stream(2.0, colour, holes))
    check_box(checks, "half the depth resolution", camera.stream(2.0, colour, np.ascontiguousarray(depth[::2, ::2])))
    check_box(checks, "bgr8", camera.stream(2.0, np.ascontiguousarray(colour[..., ::-1]), depth, encoding="bgr8"))

    expect_refusal(checks, camera, "NaN depth", "pipeline", "holds a distance", colour=colour, depth=np.full_like(depth, np.nan))
    expect_refusal(checks, camera, "zero depth", "pipeline", "holds a distance", colour=colour, depth=np.zeros_like(millimetres))
    expect_refusal(checks, camera, "empty image", "camera", "empty", colour=None, depth=depth)
    expect_refusal(checks, camera, "wrong encoding", "camera", "yuv422", colour=colour, depth=depth, encoding="yuv422")
    expect_refusal(checks, camera, "wrong depth encoding", "camera", "64FC1", colour=colour, depth=depth, depth_encoding="64FC1")
    expect_refusal(checks, camera, "another shape", "pipeline", "640×480", colour=np.ascontiguousarray(colour[:300]), depth=depth)
    expect_refusal(checks, camera, "unknown frame", "pipeline", "moon", colour=colour, depth=depth, frame="moon")
    checks.check("the node lives", process.poll() is None)
    check_box(checks, "good frames again", camera.stream(2.0, **good))

    used = cpu_seconds(process.pid)
    camera.pause(5.0)
    share = (cpu_seconds(process.pid) - used) / 5.0
    checks.check("idle without frames under 3 % of a core", share < 0.03, f"{share * 100:.1f} %")
    values = camera.level("pipeline")[2]
    print({key: values[key] for key in sorted(values) if key.endswith("_ms")})
    received, processed = camera.level("camera")[2], values.get("frames_processed")
    checks.check("frames are counted", int(processed or 0) > 50 and int(received["colour_received"]) > 50, f"{received}")
    counts_every_frame(checks, camera, good)
    lifecycle(checks, camera)


def obstacle_comes_and_goes(checks, camera, colour, depth):
    """A block that the network does not know, 12 cm high, on the far side of the table."""
    with_block = depth.copy()
    with_block[100:180, 60:160] = 0.88

    def cloud_of(depth):
        stamp = camera.send(colour, depth)
        find = lambda: next((c for c in camera.clouds if c.header.stamp == stamp), None)
        camera.until(find, 5.0)
        return find()

    before = cloud_of(depth)
    checks.check("the table is clear before", before is not None and before.width == 0, f"{before and before.width}")
    there = cloud_of(with_block)
    checks.check("a block thrust in is told with its first frame", there is not None and there.width > 20, f"{there and there.width}")
    if there is not None and there.width:
        points = np.frombuffer(there.data, np.float32).reshape(-1, 3)
        high = abs(points[:, 2] - 0.12).max()
        checks.check("at its height", high < 0.002 and there.header.frame_id == "world", f"{high * 1e3:.1f} mm")
    cloud_of(depth)
    gone = cloud_of(depth)
    checks.check("it is gone two frames after it left", gone is not None and gone.width == 0, f"{gone and gone.width}")
    camera.until(lambda: "work_p99_ms" in camera.level("obstacles")[2], 3.0)
    values = camera.level("obstacles")[2]
    checks.check("the diagnostics tell of obstacles", "points_told" in values, f"{values}")
    print({key: values[key] for key in sorted(values) if key.endswith("_ms")})


def counts_every_frame(checks, camera, good, frames=150):
    """Ten seconds of 640×480 at 15 Hz: colour and depth arrive without loss."""

    def received():
        values = camera.level("camera")[2]
        return [int(values[key]) for key in ("colour_received", "depth_received")]

    camera.pause(2.5)  # until the newest diagnostics speak of all frames before
    before = received()
    begun = time.monotonic()
    for k in range(frames):
        camera.send(**good)
        camera.until(lambda: time.monotonic() >= begun + (k + 1) / 15, 1.0)
    camera.until(lambda: received() == [count + frames for count in before], 5.0)
    counted = [now - count for now, count in zip(received(), before)]
    checks.check(f"{frames} frames of 640×480 at 15 Hz arrive without loss", counted == [frames, frames], f"{counted}")


def lifecycle(checks, camera):
    state = camera.node.create_client(GetState, "perception/get_state")
    change = camera.node.create_client(ChangeState, "perception/change_state")

    def call(client, request):
        client.wait_for_service(5.0)
        future = client.call_async(request)
        rclpy.spin_until_future_complete(camera.node, future, timeout_sec=10.0)
        return future.result()

    checks.check("active by autostart", call(state, GetState.Request()).current_state.label == "active")
    request = ChangeState.Request()
    request.transition.id = 4
    checks.check("deactivates", call(change, request).success)
    colour, depth = picture()
    camera.stream(0.3, colour, depth)
    before = len(camera.objects)
    camera.stream(1.0, colour, depth)
    checks.check("inactive, it tells nothing", len(camera.objects) == before)
    request.transition.id = 3
    checks.check("activates again", call(change, request).success)
    camera.stream(1.0, colour, depth)
    checks.check("and tells again", len(camera.objects) > before)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main():
    executable = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.environ.get("PRAXIS_NODES", str(ROOT / "target/ros/release")), "perception_node")
    network = ROOT / "tests/ros/networks/mean"
    checks = Checks()
    rclpy.init()
    camera = Camera()
    process = subprocess.Popen([executable, "--ros-args", "-p", f"network_folder:={network}"])
    try:
        run(checks, camera, process)
        started = time.monotonic()
        process.terminate()
        code = process.wait(5.0)
        checks.check("stops within a second", time.monotonic() - started < 1.0 and code == 0, f"exit code {code}")
    finally:
        process.kill()
    broken = subprocess.run(
        [executable, "--ros-args", "-p", "score_threshold:=7.0"], capture_output=True, text=True, timeout=20
    )
    told = "score_threshold" in broken.stderr
    checks.check("a parameter out of range ends the start", broken.returncode != 0 and told, broken.stderr[-300:])
    rclpy.shutdown()
    checks.finish()


main()
