"""Measures a network: python evaluate.py model.onnx SET [SET …] writes JSON to standard output.

Average precision at 2D IoU 0.5 over objects at least 30 % visible; detections of less visible
ones count neither way. At the card's score threshold: how many objects are found as what they
are, as something else, or not at all, and how many detections stand for nothing.
"""

import json
import sys

import numpy as np
import onnxruntime

import data
import network

LEAST_VISIBLE = 0.3
SCORE = 0.2


def detect(session, picture, depth_m, least=0.01, most=50):
    """Peaks of the heatmap as (class, score, box, yaw to view), best first; boxes in pixels."""
    inputs = {"image": network.normalise(picture[None]), "depth": depth_m[None, None]}
    heat, offset, size, yaw = session.run(list(network.HEADS), inputs)
    heat = 1.0 / (1.0 + np.exp(-heat[0]))
    padded = np.pad(heat, ((0, 0), (1, 1), (1, 1)))
    rows, columns = heat.shape[1:]
    around = [padded[:, y : y + rows, x : x + columns] for y in range(3) for x in range(3)]
    peaks = np.argwhere((heat >= np.max(around, axis=0)) & (heat > least))
    found = []
    for kind, y, x in peaks:
        cx = (x + offset[0, 0, y, x]) * network.STRIDE
        cy = (y + offset[0, 1, y, x]) * network.STRIDE
        w, h = size[0, :, y, x] * network.SIZE_SCALE
        box = np.array([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
        angle = float(np.arctan2(yaw[0, 1, y, x], yaw[0, 0, y, x]))
        found.append((int(kind), float(heat[kind, y, x]), box, angle))
    found.sort(key=lambda one: -one[1])
    kept = []
    for one in found:
        if all(one[0] != k[0] or iou(one[2], k[2]) < 0.5 for k in kept):
            kept.append(one)
    return kept[:most]


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def average_precision(found, wanted):
    """Area under the precision envelope; `found` is (score, hit) of what counts."""
    if not wanted:
        return None
    hits = np.array([hit for _, hit in sorted(found, key=lambda f: -f[0])], float)
    if not len(hits):
        return 0.0
    right = np.cumsum(hits)
    recall = np.concatenate([[0.0], right / wanted])
    precision = right / np.arange(1, len(hits) + 1)
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    return float(np.sum(np.diff(recall) * precision))


def measure(session, name, depth=True):
    """Figures over a set; without `depth` the network is told none."""
    tables = data.Set(name)
    found = {c: [] for c in range(len(network.CLASSES))}
    wanted = dict.fromkeys(found, 0)
    right = wrong = missed = ghosts = 0
    centre_px, yaw_deg = [], []
    for index, truth in enumerate(tables.labels):
        depth_m = tables.depth_m(index) * depth
        detections = detect(session, tables.pictures[index], depth_m.astype(np.float32))
        for one in truth:
            one["kind"] = network.CLASSES.index(one["class"])
            one["seen"] = one["visible"] >= LEAST_VISIBLE
            wanted[one["kind"]] += one["seen"]
        taken = set()
        for kind, score, box, _ in detections:
            overlaps = [iou(box, t["box"]) if t["kind"] == kind else 0.0 for t in truth]
            free = [i for i, o in enumerate(overlaps) if o >= 0.5 and i not in taken]
            best = max(free, key=lambda i: overlaps[i], default=None)
            if best is None:
                found[kind].append((score, False))
            else:
                taken.add(best)
                if truth[best]["seen"]:
                    found[kind].append((score, True))
        sure = [d for d in detections if d[1] >= SCORE]
        for one in truth:
            if not one["seen"]:
                continue
            near = [d for d in sure if iou(d[2], one["box"]) >= 0.4]
            if not near:
                missed += 1
                continue
            kind, _, box, angle = max(near, key=lambda d: d[1])
            right, wrong = right + (kind == one["kind"]), wrong + (kind != one["kind"])
            middle = 0.5 * (np.array(one["box"][:2]) + one["box"][2:])
            centre_px.append(np.linalg.norm(0.5 * (box[:2] + box[2:]) - middle))
            if one["symmetry_order"] and kind == one["kind"]:
                turn = angle - one["symmetry_order"] * one["yaw_to_view_rad"]
                turn = np.abs((turn + np.pi) % (2 * np.pi) - np.pi) / one["symmetry_order"]
                yaw_deg.append(np.degrees(turn))
        ghosts += sum(all(iou(d[2], t["box"]) < 0.1 for t in truth) for d in sure)
    per_class = {
        network.CLASSES[c]: average_precision(found[c], wanted[c]) for c in found if wanted[c]
    }
    return {
        "pictures": len(tables),
        "objects": sum(wanted.values()),
        "map50": round(float(np.mean(list(per_class.values()))), 4),
        "ap50": {name: round(value, 4) for name, value in per_class.items()},
        "found": right,
        "taken_for_another_class": wrong,
        "missed": missed,
        "ghosts": ghosts,
        "box_centre_error_px": round(float(np.median(centre_px)), 3) if centre_px else None,
        "yaw_error_deg": round(float(np.median(yaw_deg)), 2) if yaw_deg else None,
    }


def open_session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


if __name__ == "__main__":
    session = open_session(sys.argv[1])
    print(json.dumps({name: measure(session, name) for name in sys.argv[2:]}, indent=2))
