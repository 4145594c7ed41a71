"""Labelled pictures as `training_set` writes them, cut into random crops."""

import json

import numpy as np

import network

HEIGHT, WIDTH = 240, 320
CROP_HEIGHT, CROP_WIDTH = 192, 240
MAX_OBJECTS = 14
# Less of an object than this is neither asked for nor counted as wrong.
LEAST_VISIBLE = 0.25
LEAST_PIXELS = 40
METRES_PER_UNIT = 1e-4

# Columns of an object row.
CLASS, X0, Y0, X1, Y1, COS, SIN, ORDER, COUNTS = range(9)


class Set:
    """Pictures [N, H, W, 3] and depth [N, H, W] (mapped, not loaded), object rows
    [N, MAX_OBJECTS, 9] and labels."""

    def __init__(self, name):
        self.pictures = np.memmap(name + ".rgb", np.uint8, "r").reshape(-1, HEIGHT, WIDTH, 3)
        self.depths = np.memmap(name + ".depth", "<u2", "r").reshape(-1, HEIGHT, WIDTH)
        with open(name + ".json") as file:
            self.labels = json.load(file)
        self.rows = np.zeros((len(self.labels), MAX_OBJECTS, 9), np.float32)
        self.rows[:, :, CLASS] = -1
        for row, found in zip(self.rows, self.labels):
            for slot, one in zip(row, found):
                order = one["symmetry_order"]
                angle = order * one["yaw_to_view_rad"]
                counts = one["visible"] >= LEAST_VISIBLE and one["pixels"] >= LEAST_PIXELS
                slot[:] = [
                    network.CLASSES.index(one["class"]), *one["box"],
                    np.cos(angle), np.sin(angle), order, counts,
                ]

    def __len__(self):
        return len(self.labels)

    def depth_m(self, index):
        return self.depths[index].astype(np.float32) * METRES_PER_UNIT

    def crop(self, index, rng):
        """A random crop, mirrored half of the time; boxes are clipped to it."""
        height, width, rows = CROP_HEIGHT, CROP_WIDTH, self.rows[index].copy()
        there = np.flatnonzero(rows[:, CLASS] >= 0)
        x, y = rng.integers(0, WIDTH - width + 1), rng.integers(0, HEIGHT - height + 1)
        if len(there) and rng.random() < 0.75:
            x0, y0, x1, y1 = rows[rng.choice(there), X0 : Y1 + 1]
            x = int(0.5 * (x0 + x1) - rng.uniform(0.1, 0.9) * width)
            y = int(0.5 * (y0 + y1) - rng.uniform(0.1, 0.9) * height)
        x, y = int(np.clip(x, 0, WIDTH - width)), int(np.clip(y, 0, HEIGHT - height))
        cut = (index, slice(y, y + height), slice(x, x + width))
        picture, depth = self.pictures[cut], self.depths[cut].astype(np.float32) * METRES_PER_UNIT
        whole = (rows[:, X1] - rows[:, X0]) * (rows[:, Y1] - rows[:, Y0])
        rows[:, [X0, X1]] = np.clip(rows[:, [X0, X1]] - x, 0, width)
        rows[:, [Y0, Y1]] = np.clip(rows[:, [Y0, Y1]] - y, 0, height)
        left = (rows[:, X1] - rows[:, X0]) * (rows[:, Y1] - rows[:, Y0])
        rows[left <= 0, CLASS] = -1
        rows[left < 0.6 * whole, COUNTS] = 0
        if rng.random() < 0.5:
            picture, depth = picture[:, ::-1], depth[:, ::-1]
            rows[:, [X0, X1]] = width - rows[:, [X1, X0]]
            rows[:, SIN] = -rows[:, SIN]
        return picture, depth, rows


def batches(sets, size, rng):
    """Endless batches of crops, every picture once before any comes again."""
    index = [(s, i) for s in sets for i in range(len(s))]
    if len(index) < size:
        raise ValueError(f"{len(index)} pictures do not fill a batch of {size}")
    while True:
        order = rng.permutation(len(index))
        for first in range(0, len(order) - size + 1, size):
            chosen = [index[k] for k in order[first : first + size]]
            yield tuple(map(np.stack, zip(*(s.crop(i, rng) for s, i in chosen))))
