#!/usr/bin/env python3
"""Covers each link's collision mesh with spheres and writes body_spheres.yaml. Needs numpy.

    make_body_spheres.py MESH_FOLDER > body_spheres.yaml

The surface is sampled evenly, the samples are put into clusters (k-means), and a sphere around
each cluster holds all of its samples. Long or bulky links get more spheres.
"""

import struct
import sys
from pathlib import Path

import numpy as np

LINKS = {f"panda_link{i}": (f"link{i}.stl", 12 if i in (0, 1, 2, 3, 4, 5) else 8, 0.0) for i in range(8)}
LINKS["panda_hand"] = ("hand.stl", 10, 0.0)
LINKS["panda_leftfinger"] = ("finger.stl", 4, 0.0)
LINKS["panda_rightfinger"] = ("finger.stl", 4, np.pi)


def triangles(path):
    data = path.read_bytes()
    count = struct.unpack_from("<I", data, 80)[0]
    raw = np.frombuffer(data, np.uint8, count * 50, 84).reshape(count, 50)
    return raw[:, 12:48].copy().view("<f4").reshape(count, 3, 3).astype(float)


def samples(tris, count, rng):
    a, b, c = tris[:, 0], tris[:, 1], tris[:, 2]
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    pick = rng.choice(len(tris), count, p=area / area.sum())
    u, v = rng.random((2, count, 1))
    over = u + v > 1
    u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
    return a[pick] + u * (b - a)[pick] + v * (c - a)[pick]


def spheres(points, count, rng):
    centres = points[rng.choice(len(points), count, replace=False)]
    for _ in range(60):
        label = np.argmin(((points[:, None] - centres) ** 2).sum(2), axis=1)
        centres = np.array(
            [points[label == k].mean(0) if (label == k).any() else centres[k] for k in range(count)]
        )
    label = np.argmin(((points[:, None] - centres) ** 2).sum(2), axis=1)
    found = []
    for k in range(count):
        own = points[label == k]
        if len(own):
            centre = (own.min(0) + own.max(0)) / 2
            found.append((*centre, np.linalg.norm(own - centre, axis=1).max()))
    return found


def main():
    rng = np.random.default_rng(1)
    print("# Spheres that cover each link, in the link's frame: [x, y, z, radius] in metres.")
    print("# Written by make_body_spheres.py from the collision meshes (Apache-2.0).")
    for link, (mesh, count, turn) in LINKS.items():
        points = samples(triangles(Path(sys.argv[1]) / mesh), 4000, rng)
        turned = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
        print(f"{link}:")
        for sphere in spheres(points @ turned.T, count, rng):
            print("  - [" + ", ".join(f"{value:.4f}" for value in sphere) + "]")


main()
