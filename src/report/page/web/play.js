/** The bench of a page of images: what goes in, the code, and what comes out. */

import { button, canvas, context, difference, eachFrame, element, input, make, paint, short } from "./dom.js";
import { centreStrokes, coloured, corrupt, fitPicture, isStep, rasterise } from "./digit.js";

/**
 * @typedef {import("./codec.js").Codec} Codec
 * @typedef {import("./codec.js").Vector} Vector
 */

/** Pixels of the pad along its longer side, whatever the size of an image. */
const PAD = 560;
/** Test images to choose from at sight. */
const SHOWN = 30;
/** More units than this have no slider of their own. */
const MOST_SLIDERS = 64;
const NEIGHBOURS = 6;
/** What the noise slider says. */
const NOISE_WORDS = {
  gaussian: "Noise, standard deviation",
  masking: "Noise, share of pixels set to black",
  salt_and_pepper: "Noise, share of pixels set to black or white",
};

/**
 * @param {Codec} codec
 * @param {{ noise: { kind: "gaussian" | "masking" | "salt_and_pepper", amount: number }, centred: boolean,
 *   noun: string }} settings
 * @returns {{ image: () => Float32Array<ArrayBuffer>, code: () => Vector, setCode: (code: Vector) => void,
 *   onCode: (listener: (code: Vector) => void) => void }}
 */
export function bench(codec, settings) {
  const { width, height } = codec;
  const state = {
    /** What was drawn, if the image is a drawing; to be made into an image.
     * @type {import("./digit.js").Point[][]} */
    strokes: [],
    /** The picture that was opened, if the image is of one.
     * @type {import("./digit.js").Picture | undefined} */
    opened: undefined,
    clean: codec.digits[0].pixels,
    noiseSeed: 1,
    /** Whether strokes have changed since they were made into an image. */
    isDrawn: false,
    /** @type {Vector} */
    code: new Float64Array(codec.units.length),
    /** Whether the code is that of the image, or was changed by hand. */
    isEncoded: true,
  };
  /** @type {((code: Vector) => void)[]} */
  const listeners = [];
  const sliders = makeSliders(codec);
  const nearest = makeNearest(codec);

  const draw = eachFrame(() => {
    if (state.isDrawn) {
      const centred = input("centre").checked;
      const placed = centred ? centreStrokes(state.strokes, width, height) : state.strokes;
      state.clean = coloured(rasterise(placed, width, height), codec.channels);
      state.isDrawn = false;
    }
    if (state.isEncoded) {
      const { kind } = settings.noise;
      const seen = corrupt(state.clean, kind, Number(input("noise").value), state.noiseSeed);
      paint(canvas("seen"), seen, codec);
      state.code = codec.encode(seen);
    }
    const drawn = codec.decode(state.code);
    paint(canvas("reconstruction"), drawn.output, codec);
    sliders.show(state.code);
    nearest.show(state.code, state.clean);
    showError(codec.error(state.clean, drawn));
    for (const listener of listeners) listener(state.code);
  });

  /** @param {number} error */
  function showError(error) {
    const unit = codec.metric === "mse_per_pixel" ? "squared error per pixel" : "nats per pixel";
    const share = Math.round(100 * codec.share(error));
    const theirs = settings.noise.amount > 0 ? ", with the noise of training" : "";
    const line = `${short(error)} ${unit}: worse than ${share} % of the test ${settings.noun}${theirs}`;
    element("error", HTMLElement).textContent = line;
    announce(`Error ${line}. ${nearest.words()}`);
  }

  /** @param {Float32Array<ArrayBuffer>} pixels */
  const show = (pixels) => {
    state.clean = pixels;
    state.isEncoded = true;
    draw();
  };

  const pad = makePad(codec, (strokes) => {
    say("");
    state.opened = undefined;
    state.strokes = strokes;
    state.isDrawn = true;
    state.isEncoded = true;
    draw();
  });
  /**
   * @param {Float32Array<ArrayBuffer>} pixels
   * @param {import("./digit.js").Picture} [opened] what they were made from
   */
  const take = (pixels, opened) => {
    state.strokes = [];
    state.opened = opened;
    pad.show(pixels);
    show(pixels);
  };
  /** @param {number} index */
  const choose = (index) => {
    say("");
    take(codec.digits[index].pixels);
  };

  input("centre").checked = settings.centred;
  input("centre").addEventListener("change", () => {
    if (state.opened) take(fitPicture(state.opened, codec, input("centre").checked).pixels, state.opened);
    state.isDrawn = state.strokes.length > 0;
    state.isEncoded ||= state.isDrawn;
    draw();
  });
  button("clear").addEventListener("click", () => {
    say("");
    take(new Float32Array(width * height * codec.channels));
  });
  element("noise-kind", HTMLElement).textContent = NOISE_WORDS[settings.noise.kind];
  const noise = input("noise");
  if (settings.noise.kind === "gaussian") noise.max = String(Math.max(1, 1.5 * settings.noise.amount));
  noise.value = String(settings.noise.amount);
  const showNoise = () => {
    element("noise-value", HTMLOutputElement).value = String(Number(Number(noise.value).toFixed(2)));
    state.isEncoded = true;
    draw();
  };
  noise.addEventListener("input", showNoise);
  button("other-noise").addEventListener("click", () => {
    state.noiseSeed += 1;
    if (Number(noise.value) === 0) noise.value = String(settings.noise.amount || 0.3);
    showNoise();
  });
  sliders.onChange((unit, value) => {
    state.code = Float64Array.from(state.code);
    state.code[unit] = value;
    state.isEncoded = false;
    draw();
  });
  button("encode-again").addEventListener("click", () => show(state.clean));
  digitChooser(codec, choose);
  fileChooser((picture, name) => {
    const { pixels, inverted } = fitPicture(picture, codec, input("centre").checked);
    say(inverted ? `${name}, turned to light on dark as the network knows it` : name);
    take(pixels, picture);
  });
  choose(0);
  showNoise();

  return {
    image: () => state.clean,
    code: () => state.code,
    setCode: (code) => {
      state.code = code;
      state.isEncoded = false;
      draw();
    },
    onCode: (listener) => listeners.push(listener),
  };
}

/** @param {string} words about the image that was opened */
function say(words) {
  element("input-note", HTMLElement).textContent = words;
}

/** Tells people who do not see it what has changed, once it has come to rest. */
const announce = (() => {
  let timer = 0;
  return (/** @type {string} */ words) => {
    clearTimeout(timer);
    timer = setTimeout(() => element("announcement", HTMLElement).textContent = words, 700);
  };
})();

/**
 * The canvas that is drawn on.
 *
 * @param {Codec} codec
 * @param {(strokes: import("./digit.js").Point[][]) => void} onStrokes
 */
function makePad(codec, onStrokes) {
  const pad = canvas("pad");
  const scale = PAD / Math.max(codec.width, codec.height);
  [pad.width, pad.height] = [Math.round(scale * codec.width), Math.round(scale * codec.height)];
  const pen = context(pad);
  /** @type {import("./digit.js").Point[][]} */
  let strokes = [];
  /** The finger or pen that draws, if one does; others are ignored.
   * @type {number | undefined} */
  let drawing;
  const clear = () => {
    strokes = [];
    drawing = undefined;
    pen.fillStyle = "black";
    pen.fillRect(0, 0, pad.width, pad.height);
  };
  /** @param {PointerEvent} event */
  const point = (event) => {
    const box = pad.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * codec.width,
      y: ((event.clientY - box.top) / box.height) * codec.height,
    };
  };
  /** @param {PointerEvent} event */
  const add = (event) => {
    const stroke = strokes[strokes.length - 1];
    // A browser tells of several moves at once; without that, of one.
    const moves = event.getCoalescedEvents?.() ?? [];
    for (const to of (moves.length > 0 ? moves : [event]).map(point)) {
      if (!isStep(stroke, to)) continue;
      const from = stroke[stroke.length - 1] ?? to;
      stroke.push(to);
      pen.beginPath();
      pen.moveTo(from.x * scale, from.y * scale);
      pen.lineTo(to.x * scale, to.y * scale);
      pen.stroke();
    }
    onStrokes(strokes);
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || drawing !== undefined) return;
    if (strokes.length === 0) clear();
    pen.strokeStyle = "white";
    pen.lineWidth = 0.085 * Math.min(pad.width, pad.height);
    pen.lineCap = pen.lineJoin = "round";
    pad.setPointerCapture(event.pointerId);
    drawing = event.pointerId;
    strokes.push([]);
    add(event);
  });
  pad.addEventListener("pointermove", (event) => {
    if (event.pointerId === drawing) add(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    pad.addEventListener(end, (event) => {
      if (event instanceof PointerEvent && event.pointerId === drawing) drawing = undefined;
    });
  }
  return {
    /** @param {Float32Array<ArrayBuffer>} pixels */
    show: (pixels) => {
      clear();
      const small = document.createElement("canvas");
      paint(small, pixels, codec);
      pen.imageSmoothingEnabled = false;
      pen.drawImage(small, 0, 0, pad.width, pad.height);
    },
  };
}

/**
 * Test images as buttons, and another one at random.
 *
 * @param {Codec} codec
 * @param {(index: number) => void} choose
 */
function digitChooser(codec, choose) {
  const list = element("digits", HTMLElement);
  codec.digits.slice(0, SHOWN).forEach((digit, index) => {
    const picture = make("canvas", { "aria-hidden": "true" });
    paint(picture, digit.pixels, codec);
    const name = digit.label === null ? "" : `, class ${digit.label}`;
    const item = make(
      "button",
      { type: "button", "aria-label": `test image ${digit.index}${name}` },
      picture,
    );
    item.addEventListener("click", () => choose(index));
    list.append(make("li", {}, item));
  });
  button("another").addEventListener(
    "click",
    () => choose(Math.floor(Math.random() * codec.digits.length)),
  );
}

/**
 * Images from files: chosen, dropped anywhere on the page, or pasted.
 *
 * @param {(picture: import("./digit.js").Picture, name: string) => void} show
 */
function fileChooser(show) {
  /** @param {File | null | undefined} file */
  const open = async (file) => {
    if (!file) return;
    try {
      show(await opened(file), file.name);
    } catch {
      say(`${file.name} is not an image that this browser can open; try a PNG or JPEG.`);
    }
  };
  const chooser = input("file");
  button("open").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    open(chooser.files?.[0]);
    chooser.value = "";
  });
  // Of all the page: a browser opens what is dropped beside, and the page is gone.
  const area = element("bench", HTMLElement);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    area.classList.add("dropping");
  });
  document.addEventListener("dragleave", () => area.classList.remove("dropping"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    area.classList.remove("dropping");
    open(event.dataTransfer?.files[0]);
  });
  document.addEventListener("paste", (event) => open(event.clipboardData?.files[0]));
}

/** Larger pictures are shrunk to this before their pixels are looked at. */
const MOST_SIDE = 512;

/**
 * @param {File} file
 * @returns {Promise<import("./digit.js").Picture>}
 */
async function opened(file) {
  const picture = await createImageBitmap(file);
  const shrink = Math.min(1, MOST_SIDE / Math.max(picture.width, picture.height));
  const width = Math.max(1, Math.round(picture.width * shrink));
  const height = Math.max(1, Math.round(picture.height * shrink));
  const paper = make("canvas", { width, height });
  const brush = context(paper);
  // What is transparent becomes white paper.
  brush.fillStyle = "white";
  brush.fillRect(0, 0, width, height);
  brush.drawImage(picture, 0, 0, width, height);
  const { data } = brush.getImageData(0, 0, width, height);
  const pixels = new Float32Array(width * height);
  for (let i = 0; i < pixels.length; i++) {
    // Luma of ITU-R BT.601.
    pixels[i] = (0.299 * data[4 * i] + 0.587 * data[4 * i + 1] + 0.114 * data[4 * i + 2]) / 255;
  }
  const planes = [0, 1, 2].map((channel) => Float32Array.from(pixels, (_, i) => data[4 * i + channel] / 255));
  return { pixels, planes, width, height };
}

/**
 * One slider a unit, with what the unit draws.
 *
 * @param {Codec} codec
 */
function makeSliders(codec) {
  const list = element("sliders", HTMLElement);
  const off = codec.off();
  const loudest = [...codec.units.keys()].sort((a, b) => codec.units[b].rms - codec.units[a].rms);
  const shown = loudest.slice(0, MOST_SLIDERS).sort((a, b) => a - b);
  /** @type {(unit: number, value: number) => void} */
  let changed = () => {};
  const all = shown.map((unit) => {
    const { low, high, rms } = codec.units[unit];
    const drawing = make("canvas", { "aria-hidden": "true" });
    paint(drawing, difference(codec.alone(unit), off), codec);
    // One that never moves may still be moved by hand.
    const [least, most] = high > low ? [low, high] : [codec.withinRange(low - 1), codec.withinRange(low + 1)];
    const slider = make("input", {
      type: "range",
      id: `unit-${unit}`,
      min: least,
      max: most,
      step: (most - least) / 200,
    });
    const value = make("output", { for: slider.id });
    const name = make("label", { for: slider.id }, `unit ${unit + 1}${rms === 0 ? " (unused)" : ""}`);
    slider.addEventListener("input", () => changed(unit, Number(slider.value)));
    list.append(make("li", rms === 0 ? { class: "unused" } : {}, drawing, name, value, slider));
    return { unit, slider, value };
  });
  if (shown.length < codec.units.length) {
    const note = `The ${shown.length} of ${codec.units.length} units with the largest root mean square.`;
    element("code-note", HTMLElement).textContent = note;
  }
  return {
    /** @param {Vector} code */
    show: (code) => {
      for (const { unit, slider, value } of all) {
        slider.value = String(code[unit]);
        value.value = code[unit].toFixed(2);
      }
    },
    /** @param {(unit: number, value: number) => void} listener */
    onChange: (listener) => changed = listener,
  };
}

/**
 * The test images whose codes are nearest.
 *
 * @param {Codec} codec
 */
function makeNearest(codec) {
  const list = element("nearest", HTMLElement);
  const count = Math.min(NEIGHBOURS, codec.digits.length - 1);
  element("nearest-title", HTMLElement).hidden = count === 0;
  const items = Array.from({ length: count }, () => {
    const picture = make("canvas", { "aria-hidden": "true" });
    const name = make("span");
    list.append(make("li", {}, picture, name));
    return { picture, name };
  });
  let words = "";
  return {
    /** @param {Vector} code @param {Vector} own */
    show: (code, own) => {
      const found = codec.nearest(code, count, own);
      found.forEach((digit, index) => {
        paint(items[index].picture, digit.pixels, codec);
        items[index].name.textContent = digit.label === null ? `no. ${digit.index}` : String(digit.label);
      });
      const names = found.map((digit) => digit.label ?? `number ${digit.index}`);
      words = count > 0 ? `Nearest test images: ${names.join(", ")}.` : "";
    },
    words: () => words,
  };
}
