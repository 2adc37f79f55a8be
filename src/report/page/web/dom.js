/** Finding and making elements, and drawing images. */

/**
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} kind
 * @returns {T}
 */
export function element(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${kind.name} #${id}`);
  return found;
}

/** @param {string} id */
export const canvas = (id) => element(id, HTMLCanvasElement);
/** @param {string} id */
export const button = (id) => element(id, HTMLButtonElement);
/** @param {string} id */
export const input = (id) => element(id, HTMLInputElement);

/**
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Record<string, string | number>} attributes
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** @param {HTMLCanvasElement} target */
export function context(target) {
  return /** @type {CanvasRenderingContext2D} */ (target.getContext("2d"));
}

/** Opaque greys from 0 to 255. */
const GREYS = new Uint32Array(
  Uint8Array.from({ length: 1024 }, (_, i) => (i % 4 === 3 ? 255 : i >> 2)).buffer,
);

/**
 * Draws an image of pixels in [0, 1], dark to light.
 *
 * @param {HTMLCanvasElement} target
 * @param {ArrayLike<number>} pixels those of three channels follow each other
 * @param {{ width: number, channels: number }} shape
 */
export function paint(target, pixels, { width, channels }) {
  const height = pixels.length / channels / width;
  if (target.width !== width || target.height !== height) {
    [target.width, target.height] = [width, height];
  }
  const image = new ImageData(width, height);
  // Red, green, blue and opacity of a pixel at once, whatever the order of bytes.
  const words = new Uint32Array(image.data.buffer);
  if (channels === 1) {
    for (let i = 0; i < pixels.length; i++) {
      words[i] = GREYS[Math.round(255 * Math.min(1, Math.max(0, pixels[i])))];
    }
  } else {
    // The array of bytes rounds and keeps to 0 and 255 by itself.
    for (let i = 0; i < pixels.length; i++) image.data[4 * Math.floor(i / 3) + (i % 3)] = 255 * pixels[i];
    for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
  }
  context(target).putImageData(image, 0, 0);
}

/**
 * The difference of two images around mid-grey, stretched to the whole range.
 *
 * @param {ArrayLike<number>} on
 * @param {ArrayLike<number>} off
 */
export function difference(on, off) {
  const differences = Array.from(on, (value, i) => value - off[i]);
  const most = differences.reduce((a, b) => Math.max(a, Math.abs(b)), Number.MIN_VALUE);
  return differences.map((value) => 0.5 + (0.5 * value) / most);
}

/**
 * Gathers calls: however often it is asked, `work` runs once before the next picture on the screen.
 *
 * @param {() => void} work
 */
export function eachFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => {
      asked = false;
      work();
    });
  };
}

const THEME = "theme";

/** Turns the page from light to dark, or back. */
export function turnTheme() {
  const root = document.documentElement;
  const isDark = root.dataset.theme
    ? root.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = isDark ? "light" : "dark";
  document.dispatchEvent(new Event(THEME));
}

/**
 * Calls back when colours have changed, by the page's button or the system.
 *
 * @param {() => void} listener
 */
export function onTheme(listener) {
  document.addEventListener(THEME, listener);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", listener);
}

/**
 * A figure in few digits.
 *
 * @param {number} value
 */
export function short(value) {
  const magnitude = Math.abs(value);
  if (value === 0) return "0";
  if (magnitude < 1e-3 || magnitude >= 1e5) return value.toExponential(2);
  return value.toPrecision(magnitude >= 1000 ? 5 : 4);
}
