"""A camera that looks straight down from one metre at a red box of 60×40×50 mm, turned by 0.3 rad.

What it sends, in all the ways that cameras send it, and whether perception found the box.
"""

import struct
import time
import zlib

import numpy as np
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

WIDTH, HEIGHT, FOCAL = 640, 480, 600.0
CENTRE, YAW, SIZE = (0.08, 0.03), 0.3, (0.060, 0.040, 0.050)


def picture(eye=(0.0, 0.0)):
    """Colour and depth of the box from over that place, by intersecting every ray with it."""
    u, v = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
    # The optical frame is turned by half a turn about x: world x = camera x, world y = -camera y.
    x, y = (u - 319.5) / FOCAL, -(v - 239.5) / FOCAL
    depth = np.ones((HEIGHT, WIDTH))
    for z in np.linspace(0.0, SIZE[2], 101):
        d = 1.0 - z
        dx, dy = eye[0] + x * d - CENTRE[0], eye[1] + y * d - CENTRE[1]
        c, s = np.cos(YAW), np.sin(YAW)
        inside = (abs(c * dx + s * dy) <= SIZE[0] / 2) & (abs(c * dy - s * dx) <= SIZE[1] / 2)
        depth[inside] = np.minimum(depth[inside], d)
    colour = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
    # The network sees cells of 80×80 pixels: the one around the box is red.
    east, north = CENTRE[0] - eye[0], CENTRE[1] - eye[1]
    column, row = int(east * FOCAL + 320) // 80, int(-north * FOCAL + 240) // 80
    colour[80 * row : 80 * row + 80, 80 * column : 80 * column + 80] = (255, 0, 0)
    return colour, depth.astype(np.float32)


def camera_info(stamp, frame="camera_optical"):
    """The camera."""
    message = CameraInfo(width=WIDTH, height=HEIGHT, distortion_model="plumb_bob", d=[0.0] * 5)
    message.k = [FOCAL, 0.0, 319.5, 0.0, FOCAL, 239.5, 0.0, 0.0, 1.0]
    message.header.stamp, message.header.frame_id = stamp, frame
    return message


def camera_place(frame="camera_optical", at=(0.0, 0.0, 1.0)):
    """Looking straight down; by default from one metre above the table's middle."""
    transform = TransformStamped()
    transform.header.frame_id, transform.child_frame_id = "world", frame
    place = transform.transform.translation
    place.x, place.y, place.z = at
    transform.transform.rotation.x, transform.transform.rotation.w = 1.0, 0.0
    return TFMessage(transforms=[transform])


class Camera:
    """Publishes frames and hears what perception makes of them."""

    def __init__(self, node=None, name="camera"):
        self.node = node or rclpy.create_node("test_camera")
        self.colour_out = self.node.create_publisher(Image, f"{name}/color/image_raw", 10)
        self.depth_out = self.node.create_publisher(Image, f"{name}/depth/image_raw", 10)
        self.compressed_out = [
            self.node.create_publisher(CompressedImage, f"{name}/color/image_raw/compressed", 10),
            self.node.create_publisher(CompressedImage, f"{name}/depth/image_raw/compressedDepth", 10),
        ]
        self.info_out = self.node.create_publisher(CameraInfo, f"{name}/color/camera_info", 10)
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

    def place(self, frame="camera_optical", at=(0.0, 0.0, 1.0)):
        self.tf_out.publish(camera_place(frame, at))

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
            self.info_out.publish(camera_info(stamp, frame))
        if depth is not None:
            kind = depth_encoding or ("16UC1" if depth.dtype == np.uint16 else "32FC1")
            self.depth_out.publish(self.image(depth, kind, stamp, frame))
        self.colour_out.publish(self.image(colour, encoding, stamp, frame))
        return stamp

    def send_compressed(self, colour, depth):
        stamp = self.node.get_clock().now().to_msg()
        self.info_out.publish(camera_info(stamp))
        self.compressed_out[1].publish(compressed_depth(depth, stamp))
        self.compressed_out[0].publish(compressed_colour(colour, stamp))
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


def png(array):
    """A picture of 8 bits and three channels, or of 16 bits and one, as PNG."""
    kind = 2 if array.ndim == 3 else 0
    array = array.astype(">u2") if array.dtype == np.uint16 else array
    rows = b"".join(b"\0" + row.tobytes() for row in array)
    chunk = lambda name, data: struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    head = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 8 * array.itemsize, kind, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def compressed_colour(colour, stamp, frame="camera_optical"):
    """As the transport `compressed` of image_transport sends it."""
    message = CompressedImage(format="rgb8; png compressed bgr8", data=png(colour))
    message.header.stamp, message.header.frame_id = stamp, frame
    return message


def compressed_depth(depth, stamp, frame="camera_optical"):
    """As the transport `compressedDepth` sends millimetres (uint16) or metres (float32)."""
    scale, shift = 0.0, 0.0
    if depth.dtype != np.uint16:
        # Its defaults: up to 10 m, steps of 1/100 there.
        scale, shift = 100.0 * 101.0, 1.0 - 100.0 * 101.0 / 10.0
        encoding, depth = "32FC1", (scale / depth + shift).astype(np.uint16)
    else:
        encoding = "16UC1"
    message = CompressedImage(format=f"{encoding}; compressedDepth png")
    message.data = struct.pack("<iff", 0, scale, shift) + png(depth)
    message.header.stamp, message.header.frame_id = stamp, frame
    return message
