/** Curves of a figure over the epochs, with the values of an epoch under the pointer or the arrow keys. */

import { element, short } from "./dom.js";

/**
 * @typedef {{ name: string, colour: number, dashed: boolean, values: (number | null)[] }} Series
 * @typedef {{ metric: string, description: string, series: Series[], floor: number | null }} Curves
 */

const NAMESPACE = "http://www.w3.org/2000/svg";
const MARGIN = { left: 64, right: 14, top: 12, bottom: 34 };
/** An epoch of a run of so many is marked with a dot. */
const MOST_DOTS = 40;

/**
 * @param {Curves[]} all
 * @param {number[]} epochs those that the values are of
 * @param {number | null} kept the epoch whose weights were kept, where it is not the last
 */
export function showCurves(all, epochs, kept) {
  const select = element("curves-metric", HTMLSelectElement);
  const svg = element("curves", SVGSVGElement);
  const reading = element("curves-reading", HTMLElement);
  all.forEach((curves, index) => select.add(new Option(curves.description, String(index))));
  const last = epochs.length - 1;
  svg.setAttribute("aria-valuemin", String(epochs[0]));
  svg.setAttribute("aria-valuemax", String(epochs[last]));
  let place = last;
  const draw = () => {
    const curves = all[Number(select.value)];
    drawCurves(svg, curves, epochs, place, kept);
    reading.replaceChildren(...readings(curves, epochs[place], place, kept));
    svg.setAttribute("aria-valuenow", String(epochs[place]));
    svg.setAttribute("aria-valuetext", reading.textContent ?? "");
  };
  /** @param {number} wanted */
  const look = (wanted) => {
    const bounded = Math.min(last, Math.max(0, wanted));
    if (bounded === place) return;
    place = bounded;
    draw();
  };
  select.addEventListener("change", draw);
  svg.addEventListener("pointermove", (event) => {
    const { left, width } = svg.getBoundingClientRect();
    const share = (event.clientX - left - MARGIN.left) / (width - MARGIN.left - MARGIN.right);
    const at = epochs[0] + share * (epochs[last] - epochs[0]);
    const distances = epochs.map((epoch) => Math.abs(epoch - at));
    look(distances.indexOf(Math.min(...distances)));
  });
  svg.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last };
    const step = steps[/** @type {keyof typeof steps} */ (event.key)];
    if (step === undefined) return;
    event.preventDefault();
    look(place + step);
  });
  new ResizeObserver(draw).observe(svg);
}

/**
 * @param {Curves} curves
 * @param {number} epoch
 * @param {number} place of the epoch among those that are shown
 * @param {number | null} kept
 */
function readings(curves, epoch, place, kept) {
  const each = curves.series.map(({ name, colour, dashed, values }) => {
    const item = document.createElement("span");
    const key = document.createElement("i");
    key.className = `key series-${colour}${dashed ? " dashed" : ""}`;
    const value = values[place];
    item.append(key, `${name} ${value === null ? "not finite" : short(value)}`);
    return item;
  });
  if (curves.floor !== null) {
    const item = document.createElement("span");
    const key = document.createElement("i");
    key.className = "key floor dashed";
    item.append(key, `least possible ${short(curves.floor)}`);
    each.push(item);
  }
  const heading = document.createElement("b");
  heading.textContent = epoch === kept ? `epoch ${epoch}, whose weights were kept` : `epoch ${epoch}`;
  return [heading, ...each];
}

/**
 * @param {SVGSVGElement} svg
 * @param {Curves} curves
 * @param {number[]} epochs
 * @param {number} looked the place of the epoch that is looked at
 * @param {number | null} kept
 */
function drawCurves(svg, curves, epochs, looked, kept) {
  const { width, height } = svg.getBoundingClientRect();
  if (width === 0) return;
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
  const [first, last] = [epochs[0], epochs[epochs.length - 1]];
  const values = curves.series.flatMap((series) => series.values);
  const known = [...values, curves.floor].filter((value) => value !== null);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  const room = 0.06 * (most - least || Math.abs(most) || 1);
  const [low, high] = [least - room, most + room];
  const right = width - MARGIN.right;
  const bottom = height - MARGIN.bottom;
  /** @param {number} epoch */
  const x = (epoch) => {
    const share = first === last ? 0.5 : (epoch - first) / (last - first);
    return MARGIN.left + (right - MARGIN.left) * share;
  };
  /** @param {number} value */
  const y = (value) => bottom - ((bottom - MARGIN.top) * (value - low)) / (high - low);

  const parts = [];
  for (const value of ticks(low, high, 5)) {
    parts.push(line("grid", MARGIN.left, y(value), right, y(value)));
    parts.push(text(String(value), MARGIN.left - 8, y(value) + 4, "end"));
  }
  for (const epoch of ticks(first, last, Math.min(epochs.length, width / 70)).filter(Number.isInteger)) {
    parts.push(text(String(epoch), x(epoch), bottom + 18, "middle"));
  }
  parts.push(text("epoch", (MARGIN.left + right) / 2, height - 3, "middle"));
  parts.push(line("look", x(epochs[looked]), MARGIN.top, x(epochs[looked]), bottom));
  if (kept !== null) {
    parts.push(line("kept", x(kept), MARGIN.top, x(kept), bottom));
    parts.push(text("kept", x(kept), MARGIN.top + 10, kept > (first + last) / 2 ? "end" : "start"));
  }
  if (curves.floor !== null) {
    parts.push(line("floor dashed", MARGIN.left, y(curves.floor), right, y(curves.floor)));
  }
  for (const { colour, dashed, values } of curves.series) {
    const places = values.map((value, index) => value === null ? null : `${x(epochs[index])},${y(value)}`);
    const path = node("path", {
      class: `curve series-${colour}${dashed ? " dashed" : ""}`,
      // A value that is not finite leaves a gap.
      d: places.map((place, i) => place && `${i && places[i - 1] ? "L" : "M"}${place}`).filter(Boolean).join(
        "",
      ),
    });
    parts.push(path);
    values.forEach((value, index) => {
      if (value === null || (epochs.length > MOST_DOTS && index !== looked)) return;
      const r = index === looked ? 5 : 3;
      parts.push(node("circle", { class: `series-${colour}`, cx: x(epochs[index]), cy: y(value), r }));
    });
  }
  svg.replaceChildren(...parts);
}

/**
 * Round numbers between two others.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} about how many
 */
export function ticks(low, high, about) {
  const rough = (high - low) / Math.max(1, about);
  if (!(rough > 0) || !Number.isFinite(rough)) return [low];
  const decade = 10 ** Math.floor(Math.log10(rough));
  const step = decade * (/** @type {number} */ ([1, 2, 5, 10].find((factor) => factor * decade >= rough)));
  const found = [];
  for (let index = Math.ceil(low / step); index * step <= high; index++) {
    found.push(Number((index * step).toPrecision(12)));
  }
  return found;
}

/**
 * @param {string} tag
 * @param {Record<string, string | number>} attributes
 */
function node(tag, attributes) {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  return made;
}

/**
 * @param {string} kind
 * @param {number} x1
 * @param {number} y1
 * @param {number} x2
 * @param {number} y2
 */
const line = (kind, x1, y1, x2, y2) => node("line", { class: kind, x1, y1, x2, y2 });

/**
 * @param {string} content
 * @param {number} x
 * @param {number} y
 * @param {string} anchor
 */
function text(content, x, y, anchor) {
  const made = node("text", { x, y, "text-anchor": anchor });
  made.textContent = content;
  return made;
}
