// Runs a TensorFlow.js graph model once: node run_tfjs.mjs MODEL.json INPUT.f32 OUTPUT_FOLDER
import fs from "node:fs";
import path from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { loadGraphModel } from "@tensorflow/tfjs-converter";

const [model, input, out] = process.argv.slice(2);
const description = JSON.parse(fs.readFileSync(model));
const folder = path.dirname(model);
const parts = description.weightsManifest.flatMap((group) => group.paths);
const weights = Buffer.concat(parts.map((part) => fs.readFileSync(path.join(folder, part))));
const loaded = await loadGraphModel({
  load: async () => ({
    modelTopology: description.modelTopology,
    signature: description.signature,
    weightSpecs: description.weightsManifest.flatMap((group) => group.weights),
    weightData: weights.buffer.slice(weights.byteOffset, weights.byteOffset + weights.byteLength),
  }),
});
const bytes = fs.readFileSync(input);
const values = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
const names = loaded.outputs.map((output) => output.name);
const results = loaded.execute(tf.tensor(values, loaded.inputs[0].shape), names);
names.forEach((name, index) => {
  const own = results[index].dataSync();
  fs.writeFileSync(path.join(out, name.replace(/:0$/, "") + ".f32"), Buffer.from(own.buffer, own.byteOffset, own.byteLength));
});
