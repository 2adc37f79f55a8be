/** A plane of the code space with the codes of test images, to be walked. */

import { button, canvas, context, eachFrame, element, input, onTheme, paint, short } from "./dom.js";

/** Of a dot, on a map of 480 pixels. */
const POINT_RADIUS = 2.4;

/**
 * @param {import("./codec.js").Codec} codec
 * @param {import("./codec.js").Plane} plane
 * @param {string[]} colours of the classes
 * @param {{ code: () => import("./codec.js").Vector, setCode: (code: import("./codec.js").Vector) => void,
 *   onCode: (listener: (code: import("./codec.js").Vector) => void) => void }} bench
 */
export function map(codec, plane, colours, bench) {
  const target = canvas("map");
  const [xs, ys] = [input("map-x"), input("map-y")];
  const { x: [left, right], y: [bottom, top] } = plane.bounds;
  for (const [slider, from, to] of /** @type {const} */ ([[xs, left, right], [ys, bottom, top]])) {
    [slider.min, slider.max] = [String(from), String(to)];
    slider.step = String((to - from) / 400);
    slider.value = String((from + to) / 2);
  }
  /** @type {HTMLCanvasElement | undefined} */
  let points;

  for (const key of document.querySelectorAll(".legend .key")) {
    if (key instanceof HTMLElement) {
      key.style.background = colours[Number(key.dataset.class) % colours.length];
    }
  }

  /** @param {number} x @param {number} y */
  const onMap = (x, y) => [
    ((x - left) / (right - left)) * target.width,
    ((top - y) / (top - bottom)) * target.height,
  ];
  /** The points do not change, so they are drawn once. */
  const drawPoints = () => {
    const made = document.createElement("canvas");
    [made.width, made.height] = [target.width, target.height];
    const brush = context(made);
    const scale = target.width / 480;
    brush.strokeStyle = getComputedStyle(target).color;
    brush.lineWidth = 0.5 * scale;
    for (let i = 0; i < plane.points.length / 2; i++) {
      const [x, y] = onMap(plane.points[2 * i], plane.points[2 * i + 1]);
      brush.fillStyle = colours[(plane.labels ? plane.labels[i] : 0) % colours.length];
      brush.globalAlpha = 0.75;
      brush.beginPath();
      brush.arc(x, y, POINT_RADIUS * scale, 0, 2 * Math.PI);
      brush.fill();
      // A dark colour on dark ground is seen by its edge.
      brush.globalAlpha = 0.35;
      brush.stroke();
    }
    return made;
  };
  const draw = eachFrame(() => {
    points ??= drawPoints();
    const brush = context(target);
    brush.clearRect(0, 0, target.width, target.height);
    brush.drawImage(points, 0, 0);
    const style = getComputedStyle(target);
    brush.strokeStyle = style.color;
    brush.lineWidth = target.width / 240;
    const [x, y] = onMap(Number(xs.value), Number(ys.value));
    brush.beginPath();
    brush.moveTo(x, 0);
    brush.lineTo(x, target.height);
    brush.moveTo(0, y);
    brush.lineTo(target.width, y);
    brush.globalAlpha = 0.45;
    brush.stroke();
    brush.globalAlpha = 1;
    const [inputX, inputY] = onMap(...plane.place(bench.code()));
    brush.beginPath();
    brush.arc(inputX, inputY, target.width / 60, 0, 2 * Math.PI);
    brush.stroke();
    const drawn = codec.decode(here());
    paint(canvas("map-image"), drawn.output, codec);
    element("map-place", HTMLElement).textContent = `at ${short(Number(xs.value))}, ${
      short(Number(ys.value))
    }`;
  });
  const here = () => {
    const code = plane.code(Number(xs.value), Number(ys.value));
    return code.map((value) => codec.withinRange(value));
  };
  /** @param {PointerEvent} event */
  const walk = (event) => {
    const box = target.getBoundingClientRect();
    xs.value = String(left + ((event.clientX - box.left) / box.width) * (right - left));
    ys.value = String(top - ((event.clientY - box.top) / box.height) * (top - bottom));
    draw();
  };
  target.addEventListener("pointermove", (event) => {
    if (event.pointerType === "mouse" || event.buttons > 0) walk(event);
  });
  target.addEventListener("pointerdown", walk);
  xs.addEventListener("input", draw);
  ys.addEventListener("input", draw);
  button("map-use").addEventListener("click", () => bench.setCode(here()));
  bench.onCode(draw);
  onTheme(() => {
    points = undefined;
    draw();
  });
  new ResizeObserver(() => {
    const pixels = Math.round(target.getBoundingClientRect().width * devicePixelRatio);
    if (pixels === 0 || pixels === target.width) return;
    [target.width, target.height] = [pixels, pixels];
    points = undefined;
    draw();
  }).observe(target);
  draw();
}
