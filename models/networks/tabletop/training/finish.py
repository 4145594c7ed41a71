"""Weights to what is committed: python finish.py weights.pt FOLDER SETS

SETS is the folder with the sets `held_out`, `held_out_noise` and `demo`. Writes FOLDER/model.onnx,
FOLDER/card.toml with the accuracy measured here and now, and FOLDER/golden/: pictures with the
detections expected of them.
"""

import json
import sys
from pathlib import Path

import numpy as np
from PIL import Image

import data
import evaluate
import export
import network

GOLDEN_PICTURES = 3

CARD = """\
# The tabletop network's model card. Written by training/finish.py together with model.onnx.
name = "tabletop"
model = "model.onnx"
licence = "Apache-2.0"
origin = "trained by training/train.py on pictures of crates/praxis_scenes/examples/training_set"

[input]
name = "image"
# Metres along the optical axis, 0 where unknown; without any depth the network still works.
depth = "depth"
layout = "nchw"
width = {width}
height = {height}
colour = "rgb"
fit = "letterbox"
pad_value = 114.0
# value = (byte * scale - mean) / std
scale = 0.00392156862745098
mean = [{mean}, {mean}, {mean}]
std = [{std}, {std}, {std}]

[decoder]
kind = "centernet"
stride = {stride}
heatmap = "heatmap"
heatmap_activation = "sigmoid"
# Centre of the box of the visible pixels: (cell + offset) * stride.
offset = "offset"
size = "size"
size_scale = {size_scale}
# (cos, sin) of symmetry_order * yaw, counted from the horizontal direction of view.
yaw = "yaw"

[[classes]]
name = "box"
shape = "box"
symmetry_order = 2

[[classes]]
name = "cylinder"
shape = "cylinder"
symmetry_order = 0

[[classes]]
name = "cross"
shape = "cross"
symmetry_order = 4

[thresholds]
# Low, because what stands at one place is decided later, by its outline in the depth picture.
score = {score}
iou = 0.5
max_detections = 50

"""


def accuracy_table(title, comment, found):
    lines = [f"# {comment}", f"[accuracy.{title}]"]
    for name, value in found.items():
        if isinstance(value, dict):
            inner = ", ".join(f"{k} = {v}" for k, v in value.items())
            lines.append(f"{name} = {{ {inner} }}")
        elif value is not None:
            lines.append(f"{name} = {value}")
    return "\n".join(lines) + "\n"


def write_golden(folder, session, name):
    """Pictures, depth (16 bits, tenths of a millimetre) and what the network finds in them."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = data.Set(name)
    expected = []
    for index in range(GOLDEN_PICTURES):
        picture, depth = f"table_{index + 1}.png", f"table_{index + 1}_depth.png"
        Image.fromarray(np.asarray(tables.pictures[index])).save(folder / picture, optimize=True)
        Image.fromarray(np.asarray(tables.depths[index])).save(folder / depth, optimize=True)
        found = evaluate.detect(
            session, tables.pictures[index], tables.depth_m(index), least=evaluate.SCORE
        )
        detections = [
            {
                "class": network.CLASSES[kind],
                "score": round(score, 4),
                "box": [round(float(x), 3) for x in box],
            }
            for kind, score, box, _ in found
        ]
        expected.append({"picture": picture, "depth": depth, "detections": detections})
    (folder / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


ACCURACY = (
    # Title, set, whether depth is told, comment.
    ("held_out", "held_out", True,
     "Colours, textures and proportions never trained on; objects at least 30 % visible."),
    ("held_out_noise", "held_out_noise", True, "The same with the noise of a depth camera."),
    ("held_out_without_depth", "held_out", False, "The same by colour alone."),
    ("sort_table", "demo", True,
     "The world file's colours and light, its layouts of seeds 1 to 50."),
)


def main(weights, folder, sets):
    folder, sets = Path(folder), Path(sets)
    export.export(export.load(weights), folder / "model.onnx")
    session = evaluate.open_session(str(folder / "model.onnx"))
    write_golden(folder / "golden", session, str(sets / "demo"))
    card = CARD.format(
        width=data.WIDTH, height=data.HEIGHT, mean=network.MEAN, std=network.STD,
        stride=network.STRIDE, size_scale=network.SIZE_SCALE, score=evaluate.SCORE,
    )
    tables = [
        accuracy_table(title, comment, evaluate.measure(session, str(sets / name), depth))
        for title, name, depth, comment in ACCURACY
    ]
    (folder / "card.toml").write_text(card + "\n".join(tables))
    print("\n".join(tables))


if __name__ == "__main__":
    main(*sys.argv[1:])
