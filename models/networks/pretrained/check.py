"""The pre-trained networks look at photographs, through our cards and decoders.

    python check.py FOLDER DETECT

FOLDER is what prepare.py made, DETECT the example `detect` of praxis_inference.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import Checks
from PIL import Image

FOLDER, DETECT = Path(sys.argv[1]), sys.argv[2]
# Photograph, network, what it must see, and a box that must overlap the right thing.
WANTED = [
    ("coffee.png", "ssd_openimages", "Coffee cup", (120, 30, 500, 370)),
    ("coffee.png", "nanodet_coco", "cup", (120, 30, 500, 370)),
    ("astronaut.png", "ssd_openimages", "Person", (60, 0, 460, 512)),
    ("astronaut.png", "nanodet_coco", "person", (60, 0, 460, 512)),
    ("chelsea.png", "ssd_openimages", "Cat", (0, 0, 451, 300)),
    ("motorcycle_left.png", "nanodet_coco", "motorcycle", (0, 60, 741, 500)),
]


def overlap(a, b):
    """Shared area over joint area."""
    sides = [max(0.0, min(a[k + 2], b[k + 2]) - max(a[k], b[k])) for k in (0, 1)]
    area = lambda box: (box[2] - box[0]) * (box[3] - box[1])
    shared = sides[0] * sides[1]
    return shared / (area(a) + area(b) - shared)


def detections(network, picture):
    with tempfile.TemporaryDirectory() as folder:
        ppm = Path(folder) / "picture.ppm"
        Image.open(picture).convert("RGB").save(ppm)
        run = subprocess.run(
            [DETECT, FOLDER / network, ppm], capture_output=True, text=True, check=True, timeout=60
        )
    return [json.loads(line) for line in run.stdout.splitlines()]


def main():
    checks = Checks()
    photographs = Path(importlib.util.find_spec("skimage").origin).parent / "data"
    for picture, network, wanted, box in WANTED:
        found = detections(network, photographs / picture)
        print(picture, network, found[:3])
        best = found[0] if found else {"class": None}
        checks.check(f"{network} sees first a {wanted} in {picture}", best["class"] == wanted, found[:3])
        share = overlap([*best["min_px"], *best["max_px"]], box) if found else 0.0
        checks.check(f"{network} sees it where it is in {picture}", share > 0.4, f"{share:.2f}")
    checks.finish()


main()
