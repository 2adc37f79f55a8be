/** What the page does when it is opened. */

import { blend } from "./blend.js";
import { showCurves } from "./chart.js";
import { checkClassifier, checkCodec, showCheck, showFailure } from "./check.js";
import { Codec, Plane } from "./codec.js";
import { button, turnTheme } from "./dom.js";
import { map } from "./map.js";
import { load } from "./network.js";
import { bench } from "./play.js";
import { regions } from "./regions.js";

/** Shows all, after a check of the network. */
function start() {
  const data = JSON.parse(/** @type {HTMLElement} */ (document.getElementById("data")).textContent ?? "");
  if (data.curves.length > 0) showCurves(data.curves, data.epochs, data.kept_epoch);
  if (data.play.kind === "points") {
    const layers = load(data.play.layers, data.play.precision);
    showCheck(checkClassifier(layers, data.play.check), data.check);
    regions(data.play, data.colours);
  } else {
    const codec = new Codec(data.play);
    const images = codec.digits.slice(0, data.check.vectors).map((digit) => digit.pixels);
    showCheck(checkCodec(codec.encoder, codec.decoder, images, data.play.check), data.check);
    const main = bench(codec, data.play.settings);
    blend(codec, main.image);
    if (data.play.plane) map(codec, new Plane(data.play.plane), data.colours, main);
  }
}

button("theme").addEventListener("click", turnTheme);
try {
  start();
} catch (problem) {
  showFailure(problem);
}
