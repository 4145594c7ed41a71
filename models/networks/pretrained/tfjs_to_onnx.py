"""TensorFlow.js graph model -> ONNX, without TensorFlow.

    python tfjs_to_onnx.py MODEL.json OUT.onnx

Knows the operations of the networks that we take over and says which one it does not know.
Convolutions and poolings are NHWC in TensorFlow and NCHW in ONNX: each gets a transpose on both
sides, most of which the runtime cancels out.
"""

import base64
import json
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

DTYPES = {"float32": np.float32, "int32": np.int32}
TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]


class Graph:
    """The ONNX graph as it grows, and every value that is known beforehand."""

    def __init__(self, constants):
        self.constants, self.nodes, self.initializers, self.written = constants, [], [], set()

    def name(self, tensor):
        """An input's name in the ONNX graph; constants are written when they are first used."""
        tensor = tensor.removesuffix(":0")
        if tensor in self.constants and tensor not in self.written:
            self.written.add(tensor)
            self.initializers.append(numpy_helper.from_array(self.constants[tensor], tensor))
        return tensor

    def constant(self, tensor):
        tensor = tensor.removesuffix(":0")
        if tensor not in self.constants:
            raise SystemExit(f"{tensor} is computed, a constant is needed there")
        return self.constants[tensor]

    def put(self, kind, inputs, outputs, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))

    def fresh(self, name, value):
        self.constants[name] = value
        return self.name(name)


def attribute(node, key, kind, default=None):
    value = node.get("attr", {}).get(key)
    return default if value is None else value[kind]


def text(node, key):
    return base64.b64decode(attribute(node, key, "s", "")).decode()


def integers(node, key):
    return [int(value) for value in node["attr"][key]["list"]["i"]]


def same_or_valid(node):
    padding = text(node, "padding")
    if padding not in ("VALID", "SAME"):
        raise SystemExit(f"{node['name']}: padding {padding} is not known")
    return "VALID" if padding == "VALID" else "SAME_UPPER"


def in_nchw(graph, node, kind, inputs, **attributes):
    """An operation over pictures, between two transposes."""
    name = node["name"]
    if text(node, "data_format") not in ("NHWC", ""):
        raise SystemExit(f"{name}: only NHWC is known")
    graph.put("Transpose", [graph.name(node["input"][0])], [f"{name}/nchw"], perm=TO_NCHW)
    graph.put(kind, [f"{name}/nchw", *inputs], [f"{name}/out"], **attributes)
    graph.put("Transpose", [f"{name}/out"], [name], perm=TO_NHWC)


def convert_node(graph, node):
    name, kind, inputs = node["name"], node["op"], node.get("input", [])
    if kind in ("Add", "AddV2"):
        graph.put("Add", [graph.name(i) for i in inputs], [name])
    elif kind == "Identity":
        graph.put("Identity", [graph.name(inputs[0])], [name])
    elif kind == "Sigmoid":
        graph.put("Sigmoid", [graph.name(inputs[0])], [name])
    elif kind == "LeakyRelu":
        graph.put("LeakyRelu", [graph.name(inputs[0])], [name], alpha=attribute(node, "alpha", "f", 0.2))
    elif kind == "Transpose":
        graph.put("Transpose", [graph.name(inputs[0])], [name], perm=graph.constant(inputs[1]).tolist())
    elif kind == "Reshape":
        shape = graph.constant(inputs[1]).astype(np.int64)
        graph.put("Reshape", [graph.name(inputs[0]), graph.fresh(f"{name}/shape", shape)], [name])
    elif kind in ("Pad", "PadV2"):
        pads = graph.constant(inputs[1]).T.reshape(-1).astype(np.int64)
        value = graph.constant(inputs[2]) if kind == "PadV2" else np.float32(0.0)
        value = np.asarray(value, np.float32).reshape(())
        names = [graph.fresh(f"{name}/pads", pads), graph.fresh(f"{name}/value", value)]
        graph.put("Pad", [graph.name(inputs[0]), *names], [name])
    elif kind == "ConcatV2":
        axis = int(graph.constant(inputs[-1]))
        graph.put("Concat", [graph.name(i) for i in inputs[:-1]], [name], axis=axis)
    elif kind == "SplitV":
        sizes = graph.fresh(f"{name}/sizes", graph.constant(inputs[1]).astype(np.int64))
        outputs = [name] + [f"{name}:{k}" for k in range(1, int(attribute(node, "num_split", "i")))]
        graph.put("Split", [graph.name(inputs[0]), sizes], outputs, axis=int(graph.constant(inputs[2])))
    elif kind == "ResizeBilinear":
        height, width = graph.constant(inputs[1]).tolist()
        if not attribute(node, "half_pixel_centers", "b", False):
            raise SystemExit(f"{name}: only half-pixel centres are known")
        graph.put("Transpose", [graph.name(inputs[0])], [f"{name}/nchw"], perm=TO_NCHW)
        graph.put("Shape", [f"{name}/nchw"], [f"{name}/channels"], start=0, end=2)
        size = graph.fresh(f"{name}/size", np.array([height, width], np.int64))
        graph.put("Concat", [f"{name}/channels", size], [f"{name}/sizes"], axis=0)
        graph.put(
            "Resize", [f"{name}/nchw", "", "", f"{name}/sizes"], [f"{name}/out"],
            mode="linear", coordinate_transformation_mode="half_pixel",
        )
        graph.put("Transpose", [f"{name}/out"], [name], perm=TO_NHWC)
    elif kind == "Conv2D":
        kernel = graph.constant(inputs[1]).transpose(3, 2, 0, 1)
        weights = graph.fresh(f"{name}/weights", np.ascontiguousarray(kernel))
        in_nchw(
            graph, node, "Conv", [weights], auto_pad=same_or_valid(node),
            strides=integers(node, "strides")[1:3], dilations=integers(node, "dilations")[1:3],
        )
    elif kind == "MaxPool":
        in_nchw(
            graph, node, "MaxPool", [], auto_pad=same_or_valid(node),
            kernel_shape=integers(node, "ksize")[1:3], strides=integers(node, "strides")[1:3],
        )
    else:
        raise SystemExit(f"{name}: the operation {kind} is not known")


def fold(node, constants):
    """The value of an operation on constants, where it can be told beforehand."""
    values = [constants.get(i.removesuffix(":0")) for i in node.get("input", [])]
    if not values or any(value is None for value in values):
        return None
    if node["op"] == "SparseToDense" and values[0].size == 0:
        return np.full(values[1].tolist(), values[3], values[3].dtype)
    if node["op"] in ("Add", "AddV2"):
        return values[0] + values[1]
    return None


def read_weights(path, manifest):
    """Every weight by name; half precision is widened."""
    data = b"".join((path.parent / part).read_bytes() for group in manifest for part in group["paths"])
    constants, at = {}, 0
    for weight in (weight for group in manifest for weight in group["weights"]):
        shape = weight["shape"]
        stored = {"float16": np.float16}.get(weight.get("quantization", {}).get("dtype"), DTYPES[weight["dtype"]])
        count = int(np.prod(shape))
        values = np.frombuffer(data, stored, count, at).reshape(shape)
        constants[weight["name"]] = values.astype(DTYPES[weight["dtype"]])
        at += count * np.dtype(stored).itemsize
    if at != len(data):
        raise SystemExit(f"{path}: {len(data) - at} bytes of weights are left over")
    return constants


def in_order(nodes):
    """Every node after those that it needs."""
    by_name, done, ordered = {node["name"]: node for node in nodes}, set(), []

    def visit(name):
        stack = [(name, False)]
        while stack:
            name, ready = stack.pop()
            if name in done or name not in by_name:
                continue
            if ready:
                done.add(name)
                ordered.append(by_name[name])
                continue
            stack.append((name, True))
            stack.extend((needed.split(":")[0].lstrip("^"), False) for needed in by_name[name].get("input", []))

    for name in by_name:
        visit(name)
    return ordered


def convert(path):
    model = json.loads(path.read_text())
    graph = Graph(read_weights(path, model["weightsManifest"]))
    for node in in_order(model["modelTopology"]["node"]):
        if node["op"] in ("Const", "Placeholder"):
            continue
        value = fold(node, graph.constants)
        if value is not None:
            graph.constants[node["name"]] = value
        else:
            convert_node(graph, node)
    signature = model["signature"]

    def described(entries):
        for entry in entries.values():
            shape = [int(axis["size"]) for axis in entry["tensorShape"]["dim"]]
            yield helper.make_tensor_value_info(entry["name"].removesuffix(":0"), TensorProto.FLOAT, shape)

    body = helper.make_graph(
        graph.nodes, path.stem, list(described(signature["inputs"])), list(described(signature["outputs"])),
        graph.initializers,
    )
    made = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(made)
    return made


if __name__ == "__main__":
    onnx.save(convert(Path(sys.argv[1])), sys.argv[2])
