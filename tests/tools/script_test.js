// Parts of the page's script that need no page. `deno test tests/tools`

import assert from "node:assert/strict";

import { largestDifference } from "../../src/report/page/web/check.js";
import { ticks } from "../../src/report/page/web/chart.js";
import { centreOfMass, centreStrokes, corrupt, fit, rasterise } from "../../src/report/page/web/digit.js";
import { error, run, softmax } from "../../src/report/page/web/network.js";
import { half, numbers } from "../../src/report/page/web/payload.js";

const SIDE = 28;

/** @param {number} a @param {number} b @param {number} most */
const near = (a, b, most = 1e-12) => assert.ok(Math.abs(a - b) <= most, `${a} is not ${b}`);

Deno.test("a half is what IEEE 754 says", () => {
  const known = [
    [0x3c00, 1],
    [0xc000, -2],
    [0x7bff, 65504],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x7c00, Infinity],
    [0xfc00, -Infinity],
  ];
  for (const [bits, value] of known) assert.equal(half(bits), value);
  assert.ok(Number.isNaN(half(0x7e00)));
  assert.deepEqual([...numbers(btoa("\x00\x3c\x00\xc0"), "f16")], [1, -2]);
  assert.deepEqual([...numbers(btoa("\x00\x00\x80\x3f"), "f32")], [1]);
});

Deno.test("layers run one after another, of maxout's pieces the greatest", () => {
  const layer = (/** @type {object} */ more) => ({
    kind: "dense",
    inputs: 2,
    outputs: 2,
    pieces: 1,
    weight: Float32Array.of(1, -1, 2, 3),
    bias: Float32Array.of(0.5, -10),
    activation: "relu",
    ...more,
  });
  const { logits, output } = run([layer({})], Float64Array.of(1, 2));
  assert.deepEqual([[...logits], [...output]], [[5.5, -5], [5.5, 0]]);
  const maxout = run([layer({ pieces: 2, outputs: 1, activation: "maxout" })], Float64Array.of(1, 2));
  assert.deepEqual([...maxout.output], [5.5]);
  const twice = run([layer({}), layer({ activation: "linear" })], Float64Array.of(1, 2));
  assert.deepEqual([...twice.output], [6, -15.5]);
});

Deno.test("probabilities add up to 1 and large logits stay finite", () => {
  const even = softmax(Float64Array.of(1000, 1000));
  assert.deepEqual([...even], [0.5, 0.5]);
  const sure = softmax(Float64Array.of(-1e4, 0));
  assert.deepEqual([...sure], [0, 1]);
});

Deno.test("errors are those of the run's figures", () => {
  const image = Float64Array.of(0, 1, 0.25);
  const output = Float64Array.of(0.5, 0.5, 0.5);
  const drawn = { logits: Float64Array.of(0, 0, 0), output };
  near(error("bce_nats_per_pixel", image, drawn), Math.log(2));
  near(error("mse_per_pixel", image, drawn), (0.25 + 0.25 + 0.0625) / 3);
  const sure = { logits: Float64Array.of(-1e3, 1e3, -1e3), output };
  near(error("bce_nats_per_pixel", image, sure), 250 / 3);
});

Deno.test("a difference that is no number is no agreement", () => {
  assert.equal(largestDifference([1, 2.5], [1, 2]), 0.25);
  assert.equal(largestDifference([0.5, 0], [0.25, 0]), 0.25);
  assert.equal(largestDifference([NaN, 0], [0, 0]), Infinity);
  assert.equal(largestDifference([0, NaN], [0, 0]), Infinity);
  assert.equal(largestDifference([0], [0, 0]), Infinity);
});

Deno.test("a drawing is scaled and moved as MNIST's digits were, wherever it was drawn", () => {
  for (const [left, top, size] of [[2, 3, 6], [14, 10, 12], [0, 0, 27]]) {
    const corner = [{ x: left, y: top }, { x: left, y: top + size }, { x: left + size / 3, y: top + size }];
    const pixels = rasterise(centreStrokes([corner], SIDE, SIDE), SIDE, SIDE);
    const mass = centreOfMass(pixels, SIDE);
    assert.ok(mass);
    near(mass.x, SIDE / 2, 0.05);
    near(mass.y, SIDE / 2, 0.05);
    const rows = Array.from({ length: SIDE }, (_, row) => pixels.slice(SIDE * row, SIDE * (row + 1)));
    const inked = rows.filter((row) => row.some((ink) => ink > 0.3)).length;
    assert.ok(inked >= 19 && inked <= 21, `${inked} rows`);
  }
  assert.deepEqual(centreStrokes([], SIDE, SIDE), []);
  const dot = rasterise(centreStrokes([[{ x: 3, y: 4 }]], SIDE, SIDE), SIDE, SIDE);
  assert.ok(dot.some((ink) => ink > 0.5) && dot.filter((ink) => ink > 0).length < 30);
});

/**
 * A bar on paper.
 *
 * @param {number} paper
 * @param {number} ink
 */
function bar(paper, ink) {
  const [width, height] = [90, 60];
  const pixels = new Float32Array(width * height).fill(paper);
  for (let y = 5; y < 45; y++) pixels.fill(ink, y * width + 70, y * width + 76);
  return { pixels, width, height };
}

Deno.test("a photograph becomes light on dark, in the middle, whatever its paper", () => {
  const dark = fit(bar(0.1, 0.9), SIDE, SIDE, true);
  const light = fit(bar(0.95, 0.2), SIDE, SIDE, true);
  assert.ok(!dark.inverted && light.inverted);
  for (const { pixels } of [dark, light]) {
    const mass = centreOfMass(pixels, SIDE);
    assert.ok(mass);
    near(mass.x, SIDE / 2, 0.1);
    near(mass.y, SIDE / 2, 0.1);
    assert.equal(Math.max(...pixels), 1);
    assert.equal(pixels[0], 0);
    // 40 pixels of height became 20.
    near(pixels.reduce((a, b) => a + b, 0), 20 * 3, 1);
  }
  const blank = fit({ pixels: new Float32Array(12).fill(1), width: 4, height: 3 }, SIDE, SIDE, true);
  assert.ok(blank.pixels.every((pixel) => pixel === 0));
});

Deno.test("a picture that is not centred is only scaled to fit", () => {
  const { pixels } = fit({ pixels: Float32Array.of(1, 0, 0, 1), width: 2, height: 2 }, 4, 4, false);
  assert.deepEqual([...pixels], [1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1]);
});

Deno.test("noise is that of training, and the same for the same seed", () => {
  const grey = new Float32Array(20_000).fill(0.5);
  const share = (/** @type {Float32Array} */ pixels, /** @type {number} */ value) =>
    pixels.filter((pixel) => pixel === value).length / pixels.length;
  const gaussian = corrupt(grey, "gaussian", 0.1, 1);
  const mean = gaussian.reduce((a, b) => a + b, 0) / grey.length;
  const variance = gaussian.reduce((a, b) => a + (b - mean) ** 2, 0) / grey.length;
  // Standard errors are 0.0007 and 0.0005.
  near(mean, 0.5, 0.004);
  near(Math.sqrt(variance), 0.1, 0.003);
  near(share(corrupt(grey, "masking", 0.3, 1), 0), 0.3, 0.02);
  const salted = corrupt(grey, "salt_and_pepper", 0.3, 1);
  near(share(salted, 0), 0.15, 0.015);
  near(share(salted, 1), 0.15, 0.015);
  assert.deepEqual(corrupt(grey, "gaussian", 0.4, 2), corrupt(grey, "gaussian", 0.4, 2));
  assert.notDeepEqual(corrupt(grey, "gaussian", 0.4, 2), corrupt(grey, "gaussian", 0.4, 3));
  assert.equal(corrupt(grey, "gaussian", 0, 2), grey);
});

Deno.test("axes have round numbers", () => {
  assert.deepEqual(ticks(0.058, 0.14, 5), [0.06, 0.08, 0.1, 0.12, 0.14]);
  assert.deepEqual(ticks(1, 5, 5), [1, 2, 3, 4, 5]);
  assert.deepEqual(ticks(3, 3, 5), [3]);
});
