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
from checks import Checks
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

ROOT = Path(__file__).resolve().parents[2]
WIDTH, HEIGHT, FOCAL = 640, 480, 600.0
CENTRE, YAW, SIZE = (0.08, 0.03), 0.3, (0.060, 0.040, 0.050)


def picture():
    """Colour and depth of the box, by intersecting every ray with it."""
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    # The optical frame is turned by half a turn about x: world x = camera x, world y = -camera y.
    x, y = (u - 319.5) / FOCAL, -(v - 239.5) / FOCAL
    depth = np.ones((HEIGHT, WIDTH))
    for z in np.linspace(0.0, SIZE[2], 101):
        d = 1.0 - z
        dx, dy = x * d - CENTRE[0], y * d - CENTRE[1]
        c, s = np.cos(YAW), np.sin(YAW)
        inside = (abs(c * dx + s * dy) <= SIZE[0] / 2) & (abs(c * dy - s * dx) <= SIZE[1] / 2)
        depth[inside] = np.minimum(depth[inside], d)
    colour = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    # The network sees cells of 80×80 pixels: the one around the box is red.
    column, row = int(CENTRE[0] * FOCAL + 320) // 80, int(-CENTRE[1] * FOCAL + 240) // 80
    colour[80 * row : 80 * row + 80, 80 * column : 80 * column + 80] = (255, 0, 0)
    return colour, depth.astype(np.float32)


class Camera:
    """Publishes frames and hears what perception makes of them."""

    def __init__(self):
        self.node = rclpy.create_node("test_camera")
        self.colour_out = self.node.create_publisher(Image, "camera/color/image_raw", 10)
        self.depth_out = self.node.create_publisher(Image, "camera/depth/image_raw", 10)
        self.info_out = self.node.create_publisher(CameraInfo, "camera/color/camera_info", 10)
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.tf_out = self.node.create_publisher(TFMessage, "/tf_static", latched)
        self.objects, self.clouds, self.status = [], [], {}
        self.node.create_subscription(Detection3DArray, "perception/objects", self.objects.append, 10)
        self.node.create_subscription(PointCloud2, "perception/obstacles", self.clouds.append, 10)
        self.node.create_subscription(DiagnosticArray, "/diagnostics", self.diagnose, 10)

    def diagnose(self, message):
        for status in message.status:
            self.status[status.name] = (
                int.from_bytes(status.level, "little") if isinstance(status.level, bytes) else status.level,
                status.message,
                {pair.key: pair.value for pair in status.values},
            )

    def place(self, frame="camera_optical"):
        transform = TransformStamped()
        transform.header.frame_id, transform.child_frame_id = "world", frame
        transform.transform.translation.z = 1.0
        transform.transform.rotation.x, transform.transform.rotation.w = 1.0, 0.0
        self.tf_out.publish(TFMessage(transforms=[transform]))

    def image(self, array, encoding, stamp, frame="camera_optical"):
        message = Image(encoding=encoding)
        message.header.stamp, message.header.frame_id = stamp, frame
        if array is not None:
            message.height, message.width = array.shape[:2]
            message.step = array.nbytes // array.shape[0]
            message.data = array.tobytes()
        return message

    def send(self, colour, depth, encoding="rgb8", depth_encoding=None, info=True, frame="camera_optical"):
        stamp = self.node.get_clock().now().to_msg()
        if info:
            message = CameraInfo(width=WIDTH, height=HEIGHT, distortion_model="plumb_bob", d=[0.0] * 5)
            message.k = [FOCAL, 0.0, 319.5, 0.0, FOCAL, 239.5, 0.0, 0.0, 1.0]
            message.header.stamp, message.header.frame_id = stamp, frame
            self.info_out.publish(message)
        if depth is not None:
            kind = depth_encoding or ("16UC1" if depth.dtype == np.uint16 else "32FC1")
            self.depth_out.publish(self.image(depth, kind, stamp, frame))
        self.colour_out.publish(self.image(colour, encoding, stamp, frame))
        return stamp

    def spin(self, seconds):
        rclpy.spin_once(self.node, timeout_sec=seconds)

    def until(self, condition, timeout_s):
        end = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < end:
            self.spin(0.02)
        return condition()

    def pause(self, seconds):
        self.until(lambda: False, seconds)

    def stream(self, seconds, *args, **options):
        """Sends the same frame at 15 Hz; what came back in the second half."""
        end, middle, cut = time.monotonic() + seconds, time.monotonic() + seconds / 2, None
        while time.monotonic() < end:
            self.send(*args, **options)
            until = time.monotonic() + 1 / 15
            while time.monotonic() < until:
                self.spin(0.005)
            if cut is None and time.monotonic() > middle:
                cut = len(self.objects)
        return self.objects[cut:]

    def level(self, part):
        return self.status.get(f"perception: {part}", (None, "", {}))


def check_box(checks, name, arrays, tolerance_m=0.004):
    found = arrays[-1].detections if arrays else []
    checks.check(f"{name}: one object is told", len(found) == 1, f"{len(arrays)} messages, {len(found)} objects")
    if len(found) != 1:
        return
    pose = found[0].bbox.center
    error = np.hypot(pose.position.x - CENTRE[0], pose.position.y - CENTRE[1])
    yaw = 2 * np.arctan2(pose.orientation.z, pose.orientation.w)
    turn = abs((yaw - YAW + np.pi / 2) % np.pi - np.pi / 2)
    checks.check(f"{name}: within {tolerance_m * 1e3:.0f} mm", error < tolerance_m, f"{error * 1e3:.2f} mm")
    checks.check(f"{name}: within 3 degrees", turn < np.radians(3), f"{np.degrees(turn):.2f}")
    checks.check(f"{name}: height", abs(found[0].bbox.size.z - SIZE[2]) < 0.004, f"{found[0].bbox.size.z:.4f}")
    checks.check(f"{name}: named box", found[0].results[0].hypothesis.class_id == "box")
    checks.check(f"{name}: frame and id", arrays[-1].header.frame_id == "world" and found[0].id == "1", found[0].id)


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
