/** The network of a page of images, with what is known of its codes and test images. */

import { error, load, run } from "./network.js";
import { bytes, numbers } from "./payload.js";

/**
 * @typedef {Float32Array<ArrayBuffer> | Float64Array<ArrayBuffer>} Vector
 * @typedef {{ low: number, high: number, rms: number }} Unit
 * @typedef {{ pixels: Float32Array<ArrayBuffer>, label: number | null, index: number }} Digit
 */

export class Codec {
  /** @param {any} data as the page carries it */
  constructor(data) {
    this.height = /** @type {number} */ (data.height);
    this.width = /** @type {number} */ (data.width);
    /** Numbers of a pixel: 1 of a grey image, 3 of a coloured one. */
    this.channels = /** @type {number} */ (data.channels);
    this.encoder = load(data.encoder, data.precision);
    this.decoder = load(data.decoder, data.precision);
    this.units = /** @type {Unit[]} */ (data.units);
    /** The least and greatest value that a code element can have. */
    this.range = [data.code_range[0] ?? -Infinity, data.code_range[1] ?? Infinity];
    this.metric = /** @type {"bce_nats_per_pixel" | "mse_per_pixel"} */ (data.error.metric);
    /** Of the errors of all test images, a hundred parts as many each. */
    this.quantiles = /** @type {number[]} */ (data.error.quantiles);
    this.digits = digits(data);
    /** @type {Vector[] | undefined} */
    this.digitCodes = undefined;
  }

  /** @param {Vector} image */
  encode(image) {
    return run(this.encoder, image).output;
  }

  /** @param {Vector} code */
  decode(code) {
    return run(this.decoder, code);
  }

  /** @param {Vector} image @param {ReturnType<Codec["decode"]>} drawn */
  error(image, drawn) {
    return error(this.metric, image, drawn);
  }

  /** @param {number} value */
  withinRange(value) {
    return Math.min(this.range[1], Math.max(this.range[0], value));
  }

  /**
   * The share of test images whose error is less.
   *
   * @param {number} value
   */
  share(value) {
    const below = this.quantiles.filter((quantile) => quantile < value).length;
    return Math.min(1, below / (this.quantiles.length - 1));
  }

  /** What the decoder draws when all units are off. */
  off() {
    return this.decode(new Float64Array(this.units.length)).output;
  }

  /**
   * What it draws when one unit alone is on, at its root mean square.
   *
   * @param {number} unit
   */
  alone(unit) {
    const code = new Float64Array(this.units.length);
    code[unit] = this.units[unit].rms;
    return this.decode(code).output;
  }

  /**
   * The test images of this page whose codes are nearest, the nearest first.
   *
   * @param {Vector} code
   * @param {number} count
   * @param {Vector} own the image that was encoded, which is not its own neighbour
   */
  nearest(code, count, own) {
    this.digitCodes ??= this.digits.map(({ pixels }) => this.encode(pixels));
    const distances = this.digitCodes.map((other) => {
      let sum = 0;
      for (let unit = 0; unit < code.length; unit++) sum += (other[unit] - code[unit]) ** 2;
      return sum;
    });
    const order = [...distances.keys()].sort((a, b) => distances[a] - distances[b]);
    const others = order.map((index) => this.digits[index]).filter(({ pixels }) => pixels !== own);
    return others.slice(0, count);
  }
}

/**
 * @param {any} data
 * @returns {Digit[]}
 */
function digits(data) {
  const { pixels, are_bytes: areBytes } = data.digits;
  const all = areBytes ? Float32Array.from(bytes(pixels), (pixel) => pixel / 255) : numbers(pixels);
  const size = data.height * data.width * data.channels;
  return data.digits.indices.map((/** @type {number} */ index, /** @type {number} */ i) => ({
    pixels: all.slice(i * size, (i + 1) * size),
    label: data.digits.labels?.[i] ?? null,
    index,
  }));
}

/** Places of codes in a plane of the code space. */
export class Plane {
  /** @param {any} data as the page carries it */
  constructor(data) {
    this.origin = /** @type {number[]} */ (data.origin);
    this.axes = /** @type {[number[], number[]]} */ (data.axes);
    /** Two numbers a code. */
    this.points = numbers(data.points);
    this.labels = /** @type {number[] | null} */ (data.labels);
    this.bounds = /** @type {{ x: [number, number], y: [number, number] }} */ (data.bounds);
  }

  /** @param {number} x @param {number} y */
  code(x, y) {
    return Float64Array.from(
      this.origin,
      (origin, unit) => origin + x * this.axes[0][unit] + y * this.axes[1][unit],
    );
  }

  /** @param {Vector} code @returns {[number, number]} */
  place(code) {
    /** @param {number[]} axis */
    const along = (axis) => axis.reduce((sum, value, i) => sum + value * (code[i] - this.origin[i]), 0);
    return [along(this.axes[0]), along(this.axes[1])];
  }
}
