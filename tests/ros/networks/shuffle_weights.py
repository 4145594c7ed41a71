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
MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_RAW_DATA = 7, 5, 9
BYTES_PER_VALUE = 4


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def fields(data, begin, end, number):
    """Where the length-delimited fields of that number lie."""
    while begin < end:
        key, begin = varint(data, begin)
        kind = key & 7
        if kind == 0:
            _, begin = varint(data, begin)
        elif kind in (1, 5):
            begin += 8 if kind == 1 else 4
        elif kind == 2:
            length, begin = varint(data, begin)
            if key >> 3 == number:
                yield begin, begin + length
            begin += length
        else:
            raise ValueError(f"not a protobuf field at byte {begin}")


def shuffle(data, rng):
    """Shuffles every tensor in place; says how many values were moved."""
    moved = 0
    for graph in fields(data, 0, len(data), MODEL_GRAPH):
        for tensor in fields(data, *graph, GRAPH_INITIALIZER):
            for begin, end in fields(data, *tensor, TENSOR_RAW_DATA):
                values = [data[k : k + BYTES_PER_VALUE] for k in range(begin, end, BYTES_PER_VALUE)]
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
