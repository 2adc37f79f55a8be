/** Two images and what lies between their codes, beside what lies between their pixels. */

import { button, canvas, eachFrame, element, input, make, paint } from "./dom.js";

/** Pictures from the one image to the other, both included. */
const STEPS = 9;

/**
 * @param {import("./codec.js").Codec} codec
 * @param {() => Float32Array<ArrayBuffer>} current the image of the bench
 */
export function blend(codec, current) {
  const others = codec.digits;
  const ends = { a: others[0].pixels, b: others[Math.min(3, others.length - 1)].pixels };
  const next = { a: 0, b: Math.min(3, others.length - 1) };
  const slider = input("blend");
  const strip = Array.from({ length: STEPS }, (_, step) => {
    const picture = make("canvas", { "aria-hidden": "true" });
    const share = Math.round((100 * step) / (STEPS - 1));
    const item = make("button", { type: "button", "aria-label": `${share} % of the second` }, picture);
    item.addEventListener("click", () => {
      slider.value = String(share);
      draw();
    });
    element("blend-strip", HTMLElement).append(make("li", {}, item));
    return picture;
  });
  /** @type {[import("./codec.js").Vector, import("./codec.js").Vector]} */
  let codes = [codec.encode(ends.a), codec.encode(ends.b)];

  /** @param {number} share */
  const between = (share) => {
    const code = Float64Array.from(codes[0], (value, i) => value + share * (codes[1][i] - value));
    return codec.decode(code).output;
  };
  const draw = eachFrame(() => {
    const share = Number(slider.value) / 100;
    element("blend-value", HTMLOutputElement).value = `${slider.value} %`;
    paint(canvas("blended"), between(share), codec);
    const mixed = ends.a.map((value, i) => value + share * (ends.b[i] - value));
    paint(canvas("mixed"), mixed, codec);
  });
  const drawAll = () => {
    codes = [codec.encode(ends.a), codec.encode(ends.b)];
    paint(canvas("blend-a"), ends.a, codec);
    paint(canvas("blend-b"), ends.b, codec);
    strip.forEach((picture, step) => paint(picture, between(step / (STEPS - 1)), codec));
    draw();
  };
  for (const end of /** @type {const} */ (["a", "b"])) {
    button(`blend-${end}-next`).addEventListener("click", () => {
      next[end] = (next[end] + 1) % others.length;
      ends[end] = others[next[end]].pixels;
      drawAll();
    });
    button(`blend-${end}-input`).addEventListener("click", () => {
      ends[end] = current();
      drawAll();
    });
  }
  slider.addEventListener("input", draw);
  drawAll();
}
