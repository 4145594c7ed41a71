"""Weights to ONNX, checked against JAX: python export.py weights.npz model.onnx"""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import network


def build(parameters, height=240, width=320):
    """The network as an ONNX graph of opset 17, one node per line of network.apply."""
    nodes = []
    weights = [numpy_helper.from_array(np.asarray(v), k) for k, v in parameters.items()]
    weights.append(numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice"))
    weights.append(
        numpy_helper.from_array(np.array(list(network.HEADS.values()), np.int64), "head_channels")
    )

    def node(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], name=output, **attributes))
        return output

    def convolve(name, x, stride=1, relu=True):
        kernel = parameters[name + ".w"].shape[2]
        pad = kernel // 2
        y = node(
            "Conv", [x, name + ".w", name + ".b"], name,
            kernel_shape=[kernel, kernel], strides=[stride, stride], pads=[pad] * 4,
        )
        return node("Relu", [y], name + ".relu") if relu else y

    def block(name, x):
        y = convolve(name + "1", convolve(name + "0", x), relu=False)
        return node("Relu", [node("Add", [x, y], name + ".add")], name + ".relu")

    def double_and_add(name, x, skip):
        x = convolve(name, x, relu=False)
        x = node(
            "Resize", [x, "", "twice"], name + ".twice",
            mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )
        return node("Add", [x, skip], name + ".add")

    x = convolve("stem", "image", stride=2)
    fine = block("fine", convolve("down1", x, stride=2))
    middle = block("middle", convolve("down2", fine, stride=2))
    coarse = block("coarse", convolve("down3", middle, stride=2))
    x = convolve("join2", double_and_add("up2", coarse, middle))
    x = convolve("join1", double_and_add("up1", x, fine))
    x = convolve("heads", x, relu=False)
    nodes.append(
        helper.make_node("Split", [x, "head_channels"], list(network.HEADS), name="split", axis=1)
    )
    rows, columns = height // network.STRIDE, width // network.STRIDE
    graph = helper.make_graph(
        nodes,
        "tabletop",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, height, width])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, rows, columns])
            for name, channels in network.HEADS.items()
        ],
        weights,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.checker.check_model(model, full_check=True)
    return model


def largest_difference(parameters, model_bytes, height=240, width=320):
    """Between JAX and ONNX Runtime, over all outputs, on noise."""
    session = onnxruntime.InferenceSession(model_bytes, providers=["CPUExecutionProvider"])
    picture = np.random.default_rng(7).integers(0, 256, (1, height, width, 3), dtype=np.uint8)
    image = network.normalise(picture)
    expected = jax.jit(network.apply)(parameters, jnp.asarray(image))
    found = session.run(list(network.HEADS), {"image": image})
    return max(float(np.abs(np.asarray(e) - f).max()) for e, f in zip(expected, found))


def export(parameters, path):
    model_bytes = build(parameters).SerializeToString()
    difference = largest_difference(parameters, model_bytes)
    if difference > 1e-4:
        raise SystemExit(f"ONNX differs from JAX by {difference:.2e}, more than 1e-4")
    with open(path, "wb") as file:
        file.write(model_bytes)
    print(f"{path}: {len(model_bytes) / 1e6:.2f} MB, differs from JAX by {difference:.1e}")


if __name__ == "__main__":
    export(network.load(sys.argv[1]), sys.argv[2])
