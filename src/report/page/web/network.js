/** The trained network: dense layers, and the code of a topic model. */

import { numbers } from "./payload.js";

/**
 * @typedef {{ kind: "dense", inputs: number, outputs: number, pieces: number, activation: string,
 *   slope?: number, weight: Float32Array, bias: Float32Array }} Dense
 * @typedef {{ kind: "fold_in", pixels: number, updates: number, tiny: number, least: number,
 *   topics: Float32Array }} FoldIn
 * @typedef {Dense | FoldIn} Stage
 * @typedef {Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer>} Vector
 */

/** Constants of GELU in its form with tanh. */
const GELU_SCALE = Math.sqrt(2 / Math.PI);
const GELU_CUBE = 0.044715;

/**
 * Coefficients in (a − 4) / (a + 4) of (1 + √2 a) exp(a²/2) Φ(−a) for a ≥ 0, the highest power first;
 * see src/model/gelu.rs.
 */
const NORMAL_TAIL = [
  2.8963306196712408e-9,
  1.2929510891294643e-8,
  -1.6806850651009848e-8,
  -1.3185409420926459e-7,
  2.0465045073612149e-9,
  7.8028034661504528e-7,
  5.0490022722235434e-7,
  -3.9362166670363619e-6,
  -4.5200006618672831e-6,
  2.1036188668498876e-5,
  2.8136964012976952e-5,
  -1.3610360515258517e-4,
  -1.1467579538310603e-4,
  1.0602658673344922e-3,
  -6.6853733260807198e-4,
  -7.2846705796339827e-3,
  2.8883013427895818e-2,
  -5.8319238841169502e-2,
  7.0149203375379144e-2,
  -3.1721101143575714e-2,
  -6.6178321900967988e-2,
  6.2847787874831165e-1,
];

/**
 * The normal distribution Φ, within some units in the last place of double precision.
 *
 * @param {number} x
 */
export function normalCdf(x) {
  const a = Math.abs(x);
  if (a > 40) return x < 0 ? 0 : 1;
  const t = (a - 4) / (a + 4);
  const series = NORMAL_TAIL.reduce((sum, coefficient) => sum * t + coefficient, 0);
  const tail = (Math.exp(-0.5 * a * a) * series) / (1 + Math.SQRT2 * a);
  return x < 0 ? tail : 1 - tail;
}

/** @type {Record<string, (h: number, slope: number) => number>} */
const ACTIVATIONS = {
  linear: (h) => h,
  // One number for each of its pieces; the greatest was taken already.
  maxout: (h) => h,
  sigmoid: (h) => 1 / (1 + Math.exp(-h)),
  tanh: Math.tanh,
  relu: (h) => Math.max(0, h),
  leaky_relu: (h, slope) => (h > 0 ? h : slope * h),
  elu: (h) => (h > 0 ? h : Math.exp(h) - 1),
  gelu: (h) => h * normalCdf(h),
  gelu_tanh: (h) => 0.5 * h * (1 + Math.tanh(GELU_SCALE * (h + GELU_CUBE * h ** 3))),
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
      const activation = ACTIVATIONS[stage.activation];
      const slope = stage.slope ?? 0;
      values = logits.map((h) => activation(h, slope));
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
