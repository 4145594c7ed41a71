"""Copies a network's folder with its weights shuffled: python shuffle_weights.py FROM TO

The graph and the card stay as they are, and each tensor keeps its values, in another order: what
such a network finds, it has not learnt. Reads and writes the ONNX file's own format (protobuf), so
that no package is needed: lengths do not change, hence all other bytes stay.
"""

import random
import shutil
import sys
from pathlib import Path

# Field numbers of onnx.proto.
MODEL_GRAPH, GRAPH_INITIALIZER = 7, 5
TENSOR_DATA_TYPE, TENSOR_RAW_DATA = 2, 9
FLOAT, BYTES_PER_FLOAT = 1, 4
# What is shorter is a constant such as the scales of a Resize.
LEAST_WEIGHTS = 8


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data, begin, end):
    """Number and content of each field: an integer, or where bytes begin and end."""
    while begin < end:
        key, begin = varint(data, begin)
        number, kind = key >> 3, key & 7
        if kind == 0:
            value, begin = varint(data, begin)
            yield number, value
        elif kind in (1, 5):
            begin += 8 if kind == 1 else 4
        elif kind == 2:
            length, begin = varint(data, begin)
            yield number, (begin, begin + length)
            begin += length
        else:
            raise ValueError(f"not a protobuf field at byte {begin}")


def shuffle(data, rng):
    """Shuffles every tensor of floats in place (shapes are tensors of integers); says how many
    values were moved."""
    moved = 0
    graphs = [content for number, content in fields(data, 0, len(data)) if number == MODEL_GRAPH]
    tensors = [content for graph in graphs for number, content in fields(data, *graph) if number == GRAPH_INITIALIZER]
    for tensor in map(dict, (fields(data, *where) for where in tensors)):
        if tensor.get(TENSOR_DATA_TYPE) != FLOAT or TENSOR_RAW_DATA not in tensor:
            continue
        begin, end = tensor[TENSOR_RAW_DATA]
        if end - begin < LEAST_WEIGHTS * BYTES_PER_FLOAT:
            continue
        values = [bytes(data[k : k + BYTES_PER_FLOAT]) for k in range(begin, end, BYTES_PER_FLOAT)]
        rng.shuffle(values)
        data[begin:end] = b"".join(values)
        moved += len(values)
    return moved


def main(source, target, seed=1):
    shutil.copytree(source, target, dirs_exist_ok=True)
    model = Path(target) / "model.onnx"
    data = bytearray(model.read_bytes())
    moved = shuffle(data, random.Random(seed))
    if moved < 100_000:
        sys.exit(f"{model}: only {moved} weights found in it")
    model.write_bytes(data)
    print(f"{moved} weights shuffled in {model}")


if __name__ == "__main__":
    main(*sys.argv[1:3])
