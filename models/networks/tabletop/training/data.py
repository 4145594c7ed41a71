"""Labelled pictures as `training_set` writes them, cut into random crops."""

import json

import numpy as np

import network

HEIGHT, WIDTH = 240, 320
CROP_HEIGHT, CROP_WIDTH = 96, 128
MAX_OBJECTS = 14
# Less of an object than this is neither asked for nor counted as wrong.
LEAST_VISIBLE = 0.25
LEAST_PIXELS = 40

# Columns of an object row.
CLASS, X0, Y0, X1, Y1, COS, SIN, ORDER, COUNTS = range(9)


def read(name):
    """Pictures [N, H, W, 3] (mapped, not loaded) and object rows [N, MAX_OBJECTS, 9]."""
    pictures = np.memmap(name + ".rgb", np.uint8, "r").reshape(-1, HEIGHT, WIDTH, 3)
    with open(name + ".json") as file:
        labels = json.load(file)
    rows = np.zeros((len(labels), MAX_OBJECTS, 9), np.float32)
    rows[:, :, CLASS] = -1
    for row, found in zip(rows, labels):
        for slot, one in zip(row, found):
            order = one["symmetry_order"]
            angle = order * one["yaw_to_view_rad"]
            counts = one["visible"] >= LEAST_VISIBLE and one["pixels"] >= LEAST_PIXELS
            slot[:] = [
                network.CLASSES.index(one["class"]), *one["box"],
                np.cos(angle), np.sin(angle), order, counts,
            ]
    return pictures, rows


def crop(picture, rows, rng):
    """A random crop, mirrored half of the time; boxes are clipped to it."""
    height, width = CROP_HEIGHT, CROP_WIDTH
    there = np.flatnonzero(rows[:, CLASS] >= 0)
    if len(there) and rng.random() < 0.75:
        x0, y0, x1, y1 = rows[rng.choice(there), X0 : Y1 + 1]
        x = int(0.5 * (x0 + x1) - rng.uniform(0.1, 0.9) * width)
        y = int(0.5 * (y0 + y1) - rng.uniform(0.1, 0.9) * height)
    else:
        x, y = rng.integers(0, WIDTH - width + 1), rng.integers(0, HEIGHT - height + 1)
    x, y = int(np.clip(x, 0, WIDTH - width)), int(np.clip(y, 0, HEIGHT - height))
    picture = picture[y : y + height, x : x + width]
    rows = rows.copy()
    whole = (rows[:, X1] - rows[:, X0]) * (rows[:, Y1] - rows[:, Y0])
    rows[:, [X0, X1]] = np.clip(rows[:, [X0, X1]] - x, 0, width)
    rows[:, [Y0, Y1]] = np.clip(rows[:, [Y0, Y1]] - y, 0, height)
    left = (rows[:, X1] - rows[:, X0]) * (rows[:, Y1] - rows[:, Y0])
    rows[left <= 0, CLASS] = -1
    rows[left < 0.6 * whole, COUNTS] = 0
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
        rows[:, [X0, X1]] = width - rows[:, [X1, X0]]
        rows[:, SIN] = -rows[:, SIN]
    return picture, rows


def batches(sets, size, rng):
    """Endless batches of crops, every picture once before any comes again."""
    index = [(s, i) for s, (pictures, _) in enumerate(sets) for i in range(len(pictures))]
    if len(index) < size:
        raise ValueError(f"{len(index)} pictures do not fill a batch of {size}")
    while True:
        order = rng.permutation(len(index))
        for first in range(0, len(order) - size + 1, size):
            cut = []
            for k in order[first : first + size]:
                s, i = index[k]
                cut.append(crop(sets[s][0][i], sets[s][1][i], rng))
            yield np.stack([c[0] for c in cut]), np.stack([c[1] for c in cut])
