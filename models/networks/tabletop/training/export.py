"""Weights to ONNX, checked against PyTorch: python export.py weights.pt model.onnx"""

import sys

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper

import data
import network

OPSET = 17
# Largest difference of an output from PyTorch's that is still rounding.
TOLERANCE = 2e-3


class Graph:
    """Nodes and constants of an ONNX graph as they are added."""

    def __init__(self):
        self.nodes, self.constants = [], []

    def constant(self, name, values, kind=np.float32):
        self.constants.append(numpy_helper.from_array(np.asarray(values, kind), name))
        return name

    def node(self, kind, inputs, output, **attributes):
        outputs = output if isinstance(output, list) else [output]
        self.nodes.append(helper.make_node(kind, inputs, outputs, name=outputs[0], **attributes))
        return output

    def convolution(self, name, x, layer, relu=True):
        """A convolution and the scaling after it, in one."""
        if isinstance(layer, network.Convolution):
            weigh, steady = layer.weigh, layer.steady
            scale = steady.weight / torch.sqrt(steady.running_var + steady.eps)
            weights = weigh.weight * scale[:, None, None, None]
            bias = steady.bias - steady.running_mean * scale
        else:
            weigh, weights, bias = layer, layer.weight, layer.bias
        inputs = [
            x,
            self.constant(name + ".w", weights.detach().numpy()),
            self.constant(name + ".b", bias.detach().numpy()),
        ]
        pad = weigh.kernel_size[0] // 2
        y = self.node(
            "Conv", inputs, name, kernel_shape=list(weigh.kernel_size),
            strides=list(weigh.stride), pads=[pad] * 4,
        )
        return self.node("Relu", [y], name + ".relu") if relu else y

    def block(self, name, x, layer):
        y = self.convolution(name + ".first", x, layer.first)
        y = self.convolution(name + ".second", y, layer.second, relu=False)
        return self.node("Relu", [self.node("Add", [x, y], name + ".add")], name + ".relu")

    def double_and_add(self, name, x, layer, skip):
        x = self.convolution(name, x, layer, relu=False)
        x = self.node(
            "Resize", [x, "", "twice"], name + ".twice", mode="nearest",
            coordinate_transformation_mode="asymmetric", nearest_mode="floor",
        )
        return self.node("Add", [x, skip], name + ".add")

    def shape_of_depth(self):
        """As network.shape_of."""
        node, constant = self.node, self.constant
        nearest = constant("nearest_m", network.NEAREST_M)
        known = node("Cast", [node("Greater", ["depth", nearest], "is_known")], "known", to=1)
        inverse = node("Div", [known, node("Max", ["depth", nearest], "clamped")], "inverse")
        cells = node("Concat", [inverse, known], "inverse_and_known", axis=1)
        side, window = network.BLOCK, network.WINDOW
        cells = node("AveragePool", [cells], "cells", kernel_shape=[side] * 2, strides=[side] * 2)
        cells = node(
            "AveragePool", [cells], "window", kernel_shape=[window] * 2,
            pads=[window // 2] * 4, count_include_pad=1,
        )
        node("Split", [cells, constant("one_each", [1, 1], np.int64)], ["sum", "share"], axis=1)
        share = node("Max", ["share", constant("least_share", 1e-3)], "share.clamped")
        around = node("Div", ["sum", share], "around_cells")
        constant("block_scales", [1, 1, side, side])
        around = node(
            "Resize", [around, "", "block_scales"], "around", mode="linear",
            coordinate_transformation_mode="half_pixel",
        )
        relief = node("Mul", [node("Sub", [inverse, around], "rise"), known], "rise.known")
        relief = node("Mul", [relief, constant("relief_gain", network.RELIEF_GAIN)], "relief.raw")
        limit = network.RELIEF_LIMIT
        limits = [constant("relief_low", -limit), constant("relief_high", limit)]
        relief = node("Clip", [relief, *limits], "relief")
        usual = constant("usual_inverse", network.USUAL_INVERSE_M)
        nearness = node("Mul", [node("Sub", [inverse, usual], "nearer"), known], "nearer.known")
        gain = constant("inverse_gain", network.INVERSE_GAIN)
        nearness = node("Mul", [nearness, gain], "nearness")
        return [relief, nearness, known]


def build(net, height=data.HEIGHT, width=data.WIDTH):
    """The network as an ONNX graph, one node per line of Network.forward."""
    g = Graph()
    g.constant("twice", [1, 1, 2, 2])
    x = g.node("Concat", ["image", *g.shape_of_depth()], "input", axis=1)
    x = g.convolution("stem", x, net.stem)
    fine = g.block("fine", g.convolution("down1", x, net.down1), net.fine)
    middle = g.block("middle", g.convolution("down2", fine, net.down2), net.middle)
    x = g.block("coarse0", g.convolution("down3", middle, net.down3), net.coarse0)
    coarse = g.block("coarse1", x, net.coarse1)
    x = g.convolution("join2", g.double_and_add("up2", coarse, net.up2, middle), net.join2)
    x = g.convolution("join1", g.double_and_add("up1", x, net.up1, fine), net.join1)
    x = g.convolution("heads", x, net.heads, relu=False)
    channels = g.constant("head_channels", list(network.HEADS.values()), np.int64)
    g.node("Split", [x, channels], list(network.HEADS), axis=1)

    value = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
    rows, columns = height // network.STRIDE, width // network.STRIDE
    inputs = [value("image", [1, 3, height, width]), value("depth", [1, 1, height, width])]
    outputs = [value(name, [1, n, rows, columns]) for name, n in network.HEADS.items()]
    graph = helper.make_graph(g.nodes, "tabletop", inputs, outputs, g.constants)
    opset = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opset, producer_name="praxis")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def load(path):
    """The averaged weights of a training run."""
    net = network.Network()
    net.load_state_dict(torch.load(path, map_location="cpu")["averaged"])
    return net.eval()


def export(net, path):
    """Writes the ONNX file and compares its outputs with PyTorch's."""
    model = build(net)
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    rng = np.random.default_rng(0)
    image = rng.normal(size=(1, 3, data.HEIGHT, data.WIDTH)).astype(np.float32)
    depth = rng.uniform(0.4, 1.5, (1, 1, data.HEIGHT, data.WIDTH)).astype(np.float32)
    depth[rng.random(depth.shape) < 0.1] = 0.0
    found = session.run(list(network.HEADS), {"image": image, "depth": depth})
    with torch.no_grad():
        wanted = net(torch.from_numpy(image), torch.from_numpy(depth))
    for name, ours, theirs in zip(network.HEADS, found, wanted):
        difference = float(np.abs(ours - theirs.numpy()).max())
        if difference > TOLERANCE:
            raise ValueError(f"{name}: ONNX Runtime differs from PyTorch by {difference}")
    onnx.save(model, str(path))


if __name__ == "__main__":
    export(load(sys.argv[1]), sys.argv[2])
