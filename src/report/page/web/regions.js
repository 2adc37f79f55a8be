/** The plane as a classifier sees it, and its answer at the pointer. */

import { canvas, context, eachFrame, element, input, make, short } from "./dom.js";
import { load, run, softmax } from "./network.js";
import { bytes, numbers } from "./payload.js";

/** Cells along each side of the plane, and fewer of a network of more weights than this. */
const CELLS = 220;
const FEW_CELLS = 110;
const MANY_WEIGHTS = 20_000;
/** Cells are computed for so long before the next picture on the screen, in milliseconds. */
const BUDGET = 10;
/** How much of a class's colour its region has where it is certain. */
const TINT = 0.55;

/**
 * @param {any} data as the page carries it
 * @param {string[]} colours of the classes
 */
export function regions(data, colours) {
  const layers = load(data.layers, data.precision);
  const reach = /** @type {number} */ (data.reach);
  const target = canvas("regions");
  const [xs, ys] = [input("regions-x"), input("regions-y")];
  const shown = element("regions-points", HTMLSelectElement);
  const classes = layers.length > 0 ? run(layers, new Float64Array(2)).logits.length : 0;
  const background = makeRegions(layers, reach, classes, colours);
  const bars = Array.from({ length: classes }, (_, k) => {
    const meter = make("meter", { min: 0, max: 1, "aria-label": `probability of class ${k}` });
    const value = make("span");
    const key = make("i", { class: "key" });
    key.style.background = colours[k];
    element("probabilities", HTMLElement).append(make("li", {}, key, `class ${k}`, meter, value));
    return { meter, value };
  });
  /** @param {number} x @param {number} y */
  const onCanvas = (x, y) => [
    ((x + reach) / (2 * reach)) * target.width,
    ((reach - y) / (2 * reach)) * target.height,
  ];
  /** @type {Record<string, { coordinates: Float32Array, classes: Uint8Array }>} */
  const points = {};
  for (const split of ["train", "test"]) {
    const { coordinates, classes } = data[split];
    points[split] = { coordinates: numbers(coordinates), classes: bytes(classes) };
  }

  const draw = eachFrame(() => {
    const [x, y] = [Number(xs.value), Number(ys.value)];
    const brush = context(target);
    brush.imageSmoothingEnabled = true;
    brush.drawImage(background.picture, 0, 0, target.width, target.height);
    const scale = target.width / 480;
    if (points[shown.value]) drawPoints(brush, points[shown.value], scale);
    const [left, top] = onCanvas(x, y);
    brush.strokeStyle = "black";
    brush.lineWidth = 3 * scale;
    brush.beginPath();
    brush.arc(left, top, 8 * scale, 0, 2 * Math.PI);
    brush.stroke();
    brush.strokeStyle = "white";
    brush.lineWidth = 1.5 * scale;
    brush.stroke();
    showAnswer(x, y);
  });

  /**
   * @param {CanvasRenderingContext2D} brush
   * @param {{ coordinates: Float32Array, classes: Uint8Array }} split
   * @param {number} scale
   */
  function drawPoints(brush, { coordinates, classes }, scale) {
    brush.strokeStyle = "white";
    brush.lineWidth = scale;
    classes.forEach((k, index) => {
      const [x, y] = onCanvas(coordinates[2 * index], coordinates[2 * index + 1]);
      brush.fillStyle = colours[k];
      brush.beginPath();
      brush.arc(x, y, 3 * scale, 0, 2 * Math.PI);
      brush.fill();
      brush.stroke();
    });
  }

  /** @param {number} x @param {number} y */
  function showAnswer(x, y) {
    const probabilities = softmax(run(layers, Float64Array.of(x, y)).logits);
    bars.forEach(({ meter, value }, k) => {
      meter.value = probabilities[k];
      value.textContent = `${(100 * probabilities[k]).toFixed(1)} %`;
    });
    const hidden = layers[0];
    const units = layers.length > 1 && hidden.kind === "dense"
      ? run([hidden], Float64Array.of(x, y)).output
      : null;
    const on = units?.filter((unit) => unit > 0).length;
    element("regions-place", HTMLElement).textContent = `at ${short(x)}, ${short(y)}` +
      (units ? `: ${on} of ${units.length} units of the first layer are above 0` : "");
  }

  /** @param {PointerEvent} event */
  const follow = (event) => {
    const box = target.getBoundingClientRect();
    xs.value = String(reach * ((2 * (event.clientX - box.left)) / box.width - 1));
    ys.value = String(reach * (1 - (2 * (event.clientY - box.top)) / box.height));
    draw();
  };
  for (const slider of [xs, ys]) {
    [slider.min, slider.max, slider.step] = [String(-reach), String(reach), String(reach / 200)];
    slider.value = "0.25";
    slider.addEventListener("input", draw);
  }
  target.addEventListener("pointermove", follow);
  target.addEventListener("pointerdown", follow);
  shown.addEventListener("change", draw);
  const grow = eachFrame(() => {
    if (background.grow()) grow();
    draw();
  });
  grow();
  new ResizeObserver(() => {
    const pixels = Math.round(target.getBoundingClientRect().width * devicePixelRatio);
    if (pixels === 0 || pixels === target.width) return;
    [target.width, target.height] = [pixels, pixels];
    draw();
  }).observe(target);
  draw();
}

/**
 * Each cell in the colours of the classes on white, each as strong as its class is probable. It grows row by row.
 *
 * @param {import("./network.js").Stage[]} layers
 * @param {number} reach
 * @param {number} classes
 * @param {string[]} colours
 */
function makeRegions(layers, reach, classes, colours) {
  const weights = layers.reduce((sum, layer) => sum + (layer.kind === "dense" ? layer.weight.length : 0), 0);
  const cells = weights > MANY_WEIGHTS ? FEW_CELLS : CELLS;
  const picture = make("canvas", { width: cells, height: cells });
  const channels = colours.map((colour) => [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)));
  const point = new Float64Array(2);
  let row = 0;
  const addRow = () => {
    const image = new ImageData(cells, 1);
    point[1] = reach * (1 - (2 * (row + 0.5)) / cells);
    for (let column = 0; column < cells; column++) {
      point[0] = reach * ((2 * (column + 0.5)) / cells - 1);
      const probabilities = softmax(run(layers, point).logits);
      for (let channel = 0; channel < 3; channel++) {
        let mixed = 0;
        for (let k = 0; k < classes; k++) mixed += probabilities[k] * channels[k][channel];
        image.data[4 * column + channel] = 255 + TINT * (mixed - 255);
      }
      image.data[4 * column + 3] = 255;
    }
    context(picture).putImageData(image, 0, row);
    row += 1;
  };
  /** Adds rows for a while; says whether there are more to come. */
  const grow = () => {
    const begun = performance.now();
    while (row < cells && performance.now() - begun < BUDGET) addRow();
    return row < cells;
  };
  return { picture, grow };
}
