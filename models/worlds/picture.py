"""The README's picture: what the camera sees, what perception found and what was planned, drawn into it.

Runs beside `cargo xtask demo` and waits for a long motion:
    cargo xtask exec -- python3 models/worlds/picture.py models/worlds/sort_table_running.png
"""

import struct
import sys
import zlib

import numpy as np
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy, qos_profile_sensor_data
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker, MarkerArray

ENLARGED = 2
LONG_M = 0.9
PATH_COLOUR = (255, 214, 10)
CLASS_COLOURS = {"box": (64, 196, 255), "cylinder": (255, 110, 80), "cross": (90, 230, 120)}
EDGES = [(a, b) for a in range(8) for b in range(8) if a < b and bin(a ^ b).count("1") == 1]


def matrix(translation, rotation):
    """Homogeneous transform of a message's translation and quaternion."""
    x, y, z, w = rotation.x, rotation.y, rotation.z, rotation.w
    out = np.eye(4)
    out[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    out[:3, 3] = translation.x, translation.y, translation.z
    return out


class Seen:
    """The newest of everything that is drawn."""

    def __init__(self, node):
        self.frames, self.image, self.info, self.objects, self.path = {}, None, None, None, None
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL, reliability=ReliabilityPolicy.RELIABLE)
        node.create_subscription(TFMessage, "/tf_static", self.on_frames, latched)
        node.create_subscription(Image, "camera/color/image_raw", self.on_image, qos_profile_sensor_data)
        node.create_subscription(CameraInfo, "camera/color/camera_info", self.on_info, qos_profile_sensor_data)
        node.create_subscription(Detection3DArray, "perception/objects", self.on_objects, 1)
        node.create_subscription(MarkerArray, "planning/markers", self.on_markers, 10)

    def on_frames(self, message):
        for t in message.transforms:
            self.frames[t.child_frame_id] = (t.header.frame_id, matrix(t.transform.translation, t.transform.rotation))

    def on_image(self, message):
        self.image = message

    def on_info(self, message):
        self.info = message

    def on_objects(self, message):
        self.objects = message

    def on_markers(self, message):
        """Keeps the line of a long motion; it is drawn with the next picture."""
        for marker in message.markers:
            points = np.array([[p.x, p.y, p.z] for p in marker.points])
            if marker.type == Marker.LINE_STRIP and len(points) > 1 and length(points) > LONG_M:
                self.path, self.image, self.objects = points, None, None

    def camera_from_world(self):
        pose, frame = np.eye(4), self.info.header.frame_id
        while frame in self.frames:
            frame, parent_from_frame = self.frames[frame]
            pose = parent_from_frame @ pose
        return np.linalg.inv(pose)


def length(points):
    return np.linalg.norm(np.diff(points, axis=0), axis=1).sum()


def enlarged(image):
    """The picture as floats, enlarged with linear interpolation."""
    pixels = np.frombuffer(bytes(image.data), np.uint8).reshape(image.height, image.step)[:, : 3 * image.width]
    pixels = pixels.reshape(image.height, image.width, 3).astype(float)
    for axis in (0, 1):
        size = pixels.shape[axis]
        at = np.clip((np.arange(size * ENLARGED) + 0.5) / ENLARGED - 0.5, 0, size - 1)
        low = np.minimum(at.astype(int), size - 2)
        share = (at - low).reshape([-1 if k == axis else 1 for k in range(3)])
        pixels = pixels.take(low, axis) * (1 - share) + pixels.take(low + 1, axis) * share
    return pixels


def line(pixels, a, b, colour, width):
    """Blends a line with soft edges into the picture."""
    low, high = np.floor(np.minimum(a, b) - width - 1).astype(int), np.ceil(np.maximum(a, b) + width + 2).astype(int)
    x0, y0 = np.maximum(low, 0)
    x1, y1 = np.minimum(high, [pixels.shape[1], pixels.shape[0]])
    if x0 >= x1 or y0 >= y1:
        return
    x, y = np.meshgrid(np.arange(x0, x1), np.arange(y0, y1))
    along = b - a
    share = np.clip(((x - a[0]) * along[0] + (y - a[1]) * along[1]) / max(along @ along, 1e-9), 0, 1)
    distance = np.hypot(x - a[0] - share * along[0], y - a[1] - share * along[1])
    cover = np.clip(width / 2 + 0.5 - distance, 0, 1)[..., None]
    pixels[y0:y1, x0:x1] = pixels[y0:y1, x0:x1] * (1 - cover) + np.array(colour) * cover


def draw(seen):
    pixels, pose, k = enlarged(seen.image), seen.camera_from_world(), seen.info.k

    def project(point):
        x, y, z = (pose @ [*point, 1.0])[:3]
        return ENLARGED * np.array([k[0] * x / z + k[2], k[4] * y / z + k[5]])

    for detection in seen.objects.detections:
        box, name = detection.bbox, detection.results[0].hypothesis.class_id
        world_from_box = matrix(box.center.position, box.center.orientation)
        half = np.array([box.size.x, box.size.y, box.size.z]) / 2
        corners = [half * [1 if n >> axis & 1 else -1 for axis in range(3)] for n in range(8)]
        at = [project((world_from_box @ [*corner, 1.0])[:3]) for corner in corners]
        for a, b in EDGES:
            line(pixels, at[a], at[b], CLASS_COLOURS.get(name, (230, 230, 230)), 2.2)
    at = [project(point) for point in seen.path]
    for a, b in zip(at, at[1:]):
        line(pixels, a, b, PATH_COLOUR, 4.0)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def write_png(path, pixels):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)))
        file.write(chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def main():
    rclpy.init()
    node = rclpy.create_node("picture")
    seen = Seen(node)
    while any(part is None for part in (seen.path, seen.image, seen.info, seen.objects)) or not seen.frames:
        rclpy.spin_once(node, timeout_sec=0.05)
    write_png(sys.argv[1], draw(seen))
    print(f"{sys.argv[1]}: {len(seen.objects.detections)} objects, a planned way of {length(seen.path):.2f} m")
    rclpy.shutdown()


if __name__ == "__main__":
    main()
