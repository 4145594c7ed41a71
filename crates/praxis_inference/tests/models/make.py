#!/usr/bin/env python3
"""Writes the tiny networks that the tests load. Needs the package `onnx`."""

from pathlib import Path

import onnx
from onnx import TensorProto, helper, numpy_helper
import numpy as np

HERE = Path(__file__).parent


def save(name, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(
        nodes, name, inputs, outputs, [numpy_helper.from_array(v, k) for k, v in constants]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, HERE / f"{name}.onnx")


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


# Heat map: the mean colour of each cell, one class per channel. Size: always 8×8 pixels.
def heads(kind):
    cast = [helper.make_node("Cast", ["mean"], ["heatmap"], to=kind)]
    return [
        helper.make_node("AveragePool", ["image"], ["mean"], kernel_shape=[4, 4], strides=[4, 4]),
        *cast,
        helper.make_node("Slice", ["mean", "zero", "two", "one"], ["part"]),
        helper.make_node("Mul", ["part", "nothing"], ["none"]),
        helper.make_node("Add", ["none", "eight"], ["size"]),
    ]


constants = [
    ("zero", np.array([0], np.int64)),
    ("one", np.array([1], np.int64)),
    ("two", np.array([2], np.int64)),
    ("nothing", np.array(0.0, np.float32)),
    ("eight", np.array(8.0, np.float32)),
]
for name, kind in [("mean", TensorProto.FLOAT), ("doubles", TensorProto.DOUBLE)]:
    save(
        name,
        heads(kind),
        [tensor("image", [1, 3, 24, 32])],
        [tensor("heatmap", [1, 3, 6, 8], kind), tensor("size", [1, 2, 6, 8])],
        constants,
    )

# A loop that adds 1 to its input for about a minute.
body = helper.make_graph(
    [
        helper.make_node("Add", ["state", "step"], ["next"]),
        helper.make_node("Identity", ["go"], ["go_on"]),
    ],
    "body",
    [
        tensor("turn", [], TensorProto.INT64),
        tensor("go", [], TensorProto.BOOL),
        tensor("state", [1, 3, 24, 32]),
    ],
    [tensor("go_on", [], TensorProto.BOOL), tensor("next", [1, 3, 24, 32])],
    [numpy_helper.from_array(np.array(1.0, np.float32), "step")],
)
save(
    "slow",
    [helper.make_node("Loop", ["turns", "yes", "image"], ["heatmap"], body=body)],
    [tensor("image", [1, 3, 24, 32])],
    [tensor("heatmap", [1, 3, 24, 32])],
    [("turns", np.array(10_000_000, np.int64)), ("yes", np.array(True))],
)
