"""TensorFlow Lite -> ONNX, without TensorFlow.

    python tflite_to_onnx.py MODEL.tflite OUT.onnx

Knows the operations of the networks that we take over and says which one it does not know. Weights
kept in half precision are widened. Pictures stay NHWC between operations; each convolution gets a
transpose on both sides, most of which the runtime cancels out.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

TO_NCHW, TO_NHWC = [0, 3, 1, 2], [0, 2, 3, 1]
DTYPES = {
    tflite.TensorType.FLOAT32: np.float32,
    tflite.TensorType.FLOAT16: np.float16,
    tflite.TensorType.INT32: np.int32,
}
KINDS = {code: name for name, code in vars(tflite.BuiltinOperator).items() if isinstance(code, int)}
NONE, RELU, RELU6 = (getattr(tflite.ActivationFunctionType, kind) for kind in ("NONE", "RELU", "RELU6"))


class Converter:
    def __init__(self, path):
        self.model = tflite.Model.GetRootAs(path.read_bytes(), 0)
        if self.model.SubgraphsLength() != 1:
            raise SystemExit(f"{path}: {self.model.SubgraphsLength()} subgraphs, one is known")
        self.graph = self.model.Subgraphs(0)
        self.nodes, self.initializers, self.constants, self.written = [], [], {}, set()

    def tensor(self, index):
        return self.graph.Tensors(int(index))

    def value(self, index):
        """A constant's value; None for one that is computed."""
        index = int(index)
        if index not in self.constants:
            tensor = self.tensor(index)
            data = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
            if isinstance(data, int) or tensor.Type() not in DTYPES:
                return None
            shape = tensor.ShapeAsNumpy() if tensor.ShapeLength() else []
            self.constants[index] = np.frombuffer(data.tobytes(), DTYPES[tensor.Type()]).reshape(shape)
        return self.constants[index]

    def name(self, index):
        name = f"{self.tensor(index).Name().decode()}"
        value = self.value(index)
        return name if value is None else self.constant(name, value)

    def constant(self, name, value):
        if name not in self.written:
            self.written.add(name)
            self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def put(self, kind, inputs, output, **attributes):
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))

    def activated(self, kind, inputs, output, activation, **attributes):
        """An operation and the activation that is fused into it."""
        if activation == NONE:
            return self.put(kind, inputs, output, **attributes)
        self.put(kind, inputs, f"{output}/before", **attributes)
        if activation == RELU:
            self.put("Relu", [f"{output}/before"], output)
        elif activation == RELU6:
            ends = [self.constant("zero", np.float32(0)), self.constant("six", np.float32(6))]
            self.put("Clip", [f"{output}/before", *ends], output)
        else:
            raise SystemExit(f"{output}: the activation {activation} is not known")

    def convolution(self, inputs, output, options, depthwise):
        # Weights are (out, row, column, in), or (1, row, column, channel) where each has its own.
        weights = self.value(inputs[1]).astype(np.float32)
        channels = weights.shape[3]
        weights = weights.transpose(3, 0, 1, 2) if depthwise else weights.transpose(0, 3, 1, 2)
        if depthwise and options.DepthMultiplier() != 1:
            raise SystemExit(f"{output}: a depth multiplier of {options.DepthMultiplier()} is not known")
        names = [f"{output}/nchw", self.constant(f"{output}/weights", weights)]
        if len(inputs) > 2 and inputs[2] >= 0:
            names.append(self.constant(f"{output}/bias", self.value(inputs[2]).astype(np.float32)))
        self.put("Transpose", [self.name(inputs[0])], names[0], perm=TO_NCHW)
        self.activated(
            "Conv", names, f"{output}/out", options.FusedActivationFunction(),
            auto_pad="SAME_UPPER" if options.Padding() == tflite.Padding.SAME else "VALID",
            strides=[options.StrideH(), options.StrideW()],
            dilations=[options.DilationHFactor(), options.DilationWFactor()],
            group=channels if depthwise else 1,
        )
        self.put("Transpose", [f"{output}/out"], output, perm=TO_NHWC)

    def operator(self, operator):
        code = self.model.OperatorCodes(operator.OpcodeIndex())
        kind = KINDS[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        inputs = operator.InputsAsNumpy().tolist()
        output = self.tensor(operator.Outputs(0)).Name().decode()

        def options(of):
            table, read = operator.BuiltinOptions(), of()
            read.Init(table.Bytes, table.Pos)
            return read

        if kind == "DEQUANTIZE":
            self.constants[operator.Outputs(0)] = self.value(inputs[0]).astype(np.float32)
        elif kind == "CONV_2D":
            self.convolution(inputs, output, options(tflite.Conv2DOptions), depthwise=False)
        elif kind == "DEPTHWISE_CONV_2D":
            self.convolution(inputs, output, options(tflite.DepthwiseConv2DOptions), depthwise=True)
        elif kind == "ADD":
            own = options(tflite.AddOptions)
            self.activated("Add", [self.name(i) for i in inputs], output, own.FusedActivationFunction())
        elif kind == "RESHAPE":
            shape = self.tensor(operator.Outputs(0)).ShapeAsNumpy().astype(np.int64)
            self.put("Reshape", [self.name(inputs[0]), self.constant(f"{output}/shape", shape)], output)
        elif kind == "CONCATENATION":
            axis = options(tflite.ConcatenationOptions).Axis()
            self.put("Concat", [self.name(i) for i in inputs], output, axis=axis)
        elif kind == "MEAN":
            keep = int(options(tflite.ReducerOptions).KeepDims())
            axes = self.value(inputs[1]).reshape(-1).tolist()
            self.put("ReduceMean", [self.name(inputs[0])], output, axes=axes, keepdims=keep)
        elif kind == "FULLY_CONNECTED":
            own = options(tflite.FullyConnectedOptions)
            names = [self.name(inputs[0]), self.constant(f"{output}/weights", self.value(inputs[1]).astype(np.float32))]
            if len(inputs) > 2 and inputs[2] >= 0:
                names.append(self.constant(f"{output}/bias", self.value(inputs[2]).astype(np.float32)))
            self.activated("Gemm", names, output, own.FusedActivationFunction(), transB=1)
        elif kind == "LOGISTIC":
            self.put("Sigmoid", [self.name(inputs[0])], output)
        else:
            raise SystemExit(f"{output}: the operation {kind} is not known")

    def run(self, name):
        for index in range(self.graph.OperatorsLength()):
            self.operator(self.graph.Operators(index))

        def described(indices):
            for tensor in map(self.tensor, indices):
                shape = tensor.ShapeAsNumpy().tolist()
                yield helper.make_tensor_value_info(tensor.Name().decode(), TensorProto.FLOAT, shape)

        inputs, outputs = self.graph.InputsAsNumpy(), self.graph.OutputsAsNumpy()
        body = helper.make_graph(
            self.nodes, name, list(described(inputs)), list(described(outputs)), self.initializers
        )
        made = helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(made)
        return made


if __name__ == "__main__":
    source = Path(sys.argv[1])
    onnx.save(Converter(source).run(source.stem), sys.argv[2])
