/** Whether the network of this page gives what the trained one gave. */

import { run, softmax } from "./network.js";
import { numbers } from "./payload.js";

/**
 * The largest difference between two lists of numbers: absolute, or of numbers beyond 1 relative to
 * them, since the sums that they come from are rounded in proportion.
 *
 * @param {ArrayLike<number>} found
 * @param {ArrayLike<number>} expected
 */
export function largestDifference(found, expected) {
  let largest = found.length === expected.length ? 0 : Infinity;
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs(found[i] - expected[i]) / Math.max(1, Math.abs(expected[i]));
    // A number that is none is no agreement.
    largest = Number.isNaN(difference) ? Infinity : Math.max(largest, difference);
  }
  return largest;
}

/**
 * Over the test vectors of a page of images: codes, and what is drawn from the right codes' images.
 *
 * @param {import("./network.js").Stage[]} encoder
 * @param {import("./network.js").Stage[]} decoder
 * @param {Float32Array<ArrayBuffer>[]} images
 * @param {{ codes: string, outputs: string }} expected
 */
export function checkCodec(encoder, decoder, images, expected) {
  const codes = numbers(expected.codes);
  const outputs = numbers(expected.outputs);
  const width = codes.length / images.length;
  let largest = 0;
  images.forEach((image, index) => {
    const code = run(encoder, image).output;
    const drawn = run(decoder, code).output;
    const pixels = image.length;
    largest = Math.max(
      largest,
      largestDifference(code, codes.subarray(index * width, (index + 1) * width)),
      largestDifference(drawn, outputs.subarray(index * pixels, (index + 1) * pixels)),
    );
  });
  return largest;
}

/**
 * Over the test vectors of a page of points: probabilities of classes.
 *
 * @param {import("./network.js").Stage[]} layers
 * @param {{ points: string, probabilities: string }} expected
 */
export function checkClassifier(layers, expected) {
  const points = numbers(expected.points);
  const probabilities = numbers(expected.probabilities);
  const count = points.length / 2;
  const classes = probabilities.length / count;
  let largest = 0;
  for (let i = 0; i < count; i++) {
    const found = softmax(run(layers, points.subarray(2 * i, 2 * i + 2)).logits);
    const right = probabilities.subarray(i * classes, (i + 1) * classes);
    largest = Math.max(largest, largestDifference(found, right));
  }
  return largest;
}

/** @param {number} value */
const few = (value) => value.toExponential(1).replace(".0e", "e");

/**
 * Says what came of it: a line, or a warning that cannot be missed.
 *
 * @param {number} largest
 * @param {{ tolerance: number, precision: string, vectors: number }} check
 */
export function showCheck(largest, check) {
  const good = largest <= check.tolerance;
  const found = Number.isFinite(largest) ? few(largest) : "not a number";
  const words = good
    ? `Checked: over ${check.vectors} test vectors the largest difference from the trained network is ${found} ` +
      `(at most ${few(check.tolerance)} with ${check.precision} weights).`
    : `The network in this page is not the trained one: over ${check.vectors} test vectors the largest difference ` +
      `is ${found}, more than ${few(check.tolerance)}. The file is damaged, or this browser computes ` +
      "otherwise. Believe nothing below that moves.";
  tell(words, good, largest);
}

/**
 * Says that the page cannot do its work.
 *
 * @param {unknown} problem
 */
export function showFailure(problem) {
  const reason = problem instanceof Error ? problem.message : String(problem);
  tell(
    `The network in this page does not work: ${reason}. The file is damaged, or this browser is too old.`,
    false,
    NaN,
  );
}

/**
 * @param {string} words
 * @param {boolean} good
 * @param {number} largest
 */
function tell(words, good, largest) {
  const line = /** @type {HTMLElement} */ (document.getElementById("check"));
  // Before the words: what becomes an alert with its words already there is not read out.
  if (!good) line.setAttribute("role", "alert");
  line.dataset.largestDifference = String(largest);
  line.dataset.result = good ? "passed" : "failed";
  line.textContent = words;
}
