"""The pre-trained networks look at photographs, through our cards and decoders.

    python check.py FOLDER DETECT MUG

FOLDER is what prepare.py made, DETECT the example `detect` of praxis_inference, MUG the example `mug`
of praxis_render, which draws a mug as the simulator's camera does.
"""

import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import Checks
from PIL import Image

FOLDER, DETECT, MUG = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
# Photograph, network, what it must see, and a box that must overlap the right thing.
WANTED = [
    ("coffee.png", "ssd_openimages", "Coffee cup", (120, 30, 500, 370)),
    ("coffee.png", "nanodet_coco", "cup", (120, 30, 500, 370)),
    ("astronaut.png", "ssd_openimages", "Person", (60, 0, 460, 512)),
    ("astronaut.png", "nanodet_coco", "person", (60, 0, 460, 512)),
    ("chelsea.png", "ssd_openimages", "Cat", (0, 0, 451, 300)),
    ("motorcycle_left.png", "nanodet_coco", "motorcycle", (0, 60, 741, 500)),
    ("motorcycle_right.png", "nanodet_coco", "motorcycle", (0, 60, 741, 500)),
    ("camera.png", "nanodet_coco", "person", (100, 60, 400, 512)),
    ("horse.png", "nanodet_coco", "horse", (0, 0, 400, 328)),
]
# What else the packages have; neither network is trained for it, or misses it.
ALSO_SHOWN = ["camera.png", "clock_motion.png", "coins.png", "motorcycle_left.png", "rocket.jpg", "chelsea.png", "page.png", "brick.png"]
# What a mug may be called.
MUG_NAMES = {"ssd_openimages": {"Coffee cup", "Mug"}, "nanodet_coco": {"cup"}}


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


def drawn_mug(checks):
    """The mug that the simulator's renderer draws fills the middle of the picture."""
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "mug.ppm"
        subprocess.run([MUG, picture], check=True, timeout=60)
        for network, names in MUG_NAMES.items():
            found = detections(network, picture)
            best = found[0] if found else {"class": None}
            checks.check(f"{network} sees first a mug in the drawn picture", best["class"] in names, found[:3])


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
    drawn_mug(checks)
    for picture in ALSO_SHOWN:
        for network in MUG_NAMES:
            seen = [(one["class"], round(one["score"], 2)) for one in detections(network, photographs / picture)]
            print(f"        {picture} through {network}: {seen[:4] or 'nothing'}")
    checks.finish()


main()
