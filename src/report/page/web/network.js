/** The trained network: dense layers, and the code of a topic model. */

import { numbers } from "./payload.js";

/**
 * @typedef {{ kind: "dense", inputs: number, outputs: number, pieces: number, activation: string,
 *   weight: Float32Array, bias: Float32Array }} Dense
 * @typedef {{ kind: "fold_in", pixels: number, updates: number, tiny: number, least: number,
 *   topics: Float32Array }} FoldIn
 * @typedef {Dense | FoldIn} Stage
 * @typedef {Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer>} Vector
 */

/** Slope of the leaky rectifier below 0, and constants of GELU in its form with tanh. */
const LEAKY_SLOPE = 0.1;
const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBE = 0.044715;

/** @type {Record<string, (h: number) => number>} */
const ACTIVATIONS = {
  linear: (h) => h,
  // One number for each of its pieces; the greatest was taken already.
  maxout: (h) => h,
  sigmoid: (h) => 1 / (1 + Math.exp(-h)),
  tanh: Math.tanh,
  relu: (h) => Math.max(0, h),
  leaky_relu: (h) => Math.max(LEAKY_SLOPE * h, h),
  elu: (h) => (h > 0 ? h : Math.exp(h) - 1),
  gelu: (h) => 0.5 * h * (1 + Math.tanh(GELU_SCALE * (h + GELU_CUBE * h ** 3))),
  silu: (h) => h / (1 + Math.exp(-h)),
};

/**
 * Stages as the page carries them to stages that run.
 *
 * @param {any[]} stages
 * @param {import("./payload.js").Precision} precision
 * @returns {Stage[]}
 */
export function load(stages, precision) {
  return stages.map((stage) =>
    stage.kind === "dense"
      ? { ...stage, weight: numbers(stage.weight, precision), bias: numbers(stage.bias) }
      : { ...stage, topics: numbers(stage.topics, precision) }
  );
}

/**
 * Runs all stages.
 *
 * @param {Stage[]} stages
 * @param {Vector} input
 * @returns {{ logits: Float64Array<ArrayBuffer>, output: Float64Array<ArrayBuffer> }} what the last
 *   stage gives before and after its activation
 */
export function run(stages, input) {
  /** @type {Vector} */
  let values = input;
  let logits = new Float64Array(0);
  for (const stage of stages) {
    if (stage.kind === "dense") {
      logits = affine(stage, values);
      values = logits.map(ACTIVATIONS[stage.activation]);
    } else {
      logits = foldIn(stage, values);
      values = logits;
    }
  }
  return { logits, output: Float64Array.from(values) };
}

/**
 * `x W + b`, of several pieces the greatest.
 *
 * @param {Dense} layer
 * @param {Vector} x
 */
function affine(layer, x) {
  const { weight, bias, pieces, outputs } = layer;
  const width = bias.length;
  const sums = Float64Array.from(bias);
  for (let i = 0; i < x.length; i++) {
    const xi = x[i];
    // Most pixels are black, and many rectified units are off.
    if (xi === 0) continue;
    const row = i * width;
    for (let j = 0; j < width; j++) sums[j] += xi * weight[row + j];
  }
  if (pieces === 1) return sums;
  const greatest = new Float64Array(outputs).fill(-Infinity);
  for (let j = 0; j < width; j++) {
    const unit = Math.floor(j / pieces);
    greatest[unit] = Math.max(greatest[unit], sums[j]);
  }
  return greatest;
}

/**
 * How much of an image's ink comes from each topic.
 *
 * @param {FoldIn} stage
 * @param {Vector} x
 */
function foldIn(stage, x) {
  const { topics, pixels, updates, tiny, least } = stage;
  const count = topics.length / pixels;
  let ink = 0;
  for (let i = 0; i < x.length; i++) ink += x[i];
  const code = new Float64Array(count).fill(ink / count);
  // Pixels without ink pull at no topic.
  const inked = [...x.keys()].filter((i) => x[i] !== 0);
  for (let update = 0; update < updates; update++) {
    const factors = new Float64Array(count);
    for (const i of inked) {
      let drawn = tiny;
      for (let k = 0; k < count; k++) drawn += code[k] * topics[k * pixels + i];
      const ratio = x[i] / drawn;
      for (let k = 0; k < count; k++) factors[k] += ratio * topics[k * pixels + i];
    }
    for (let k = 0; k < count; k++) code[k] = Math.max(least, code[k] * factors[k]);
  }
  return code;
}

/**
 * @param {Vector} logits
 * @returns {Float64Array<ArrayBuffer>}
 */
export function softmax(logits) {
  const greatest = Math.max(...logits);
  const each = Float64Array.from(logits, (logit) => Math.exp(logit - greatest));
  const sum = each.reduce((total, value) => total + value, 0);
  return each.map((value) => value / sum);
}

/**
 * How far an image is from its reconstruction.
 *
 * @param {"bce_nats_per_pixel" | "mse_per_pixel"} metric
 * @param {Vector} image
 * @param {{ logits: Vector, output: Vector }} drawn
 */
export function error(metric, image, drawn) {
  let sum = 0;
  for (let i = 0; i < image.length; i++) {
    if (metric === "mse_per_pixel") {
      sum += (image[i] - drawn.output[i]) ** 2;
    } else {
      const z = drawn.logits[i];
      sum += Math.max(z, 0) - image[i] * z + Math.log1p(Math.exp(-Math.abs(z)));
    }
  }
  return sum / image.length;
}
