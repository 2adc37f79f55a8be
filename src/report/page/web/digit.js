/** Images as the network was shown them: drawn, opened from a file, or with noise. */

/**
 * @typedef {{ x: number, y: number }} Point
 * @typedef {{ pixels: Float32Array<ArrayBuffer>, width: number, height: number }} Grey
 * @typedef {Grey & { planes: Float32Array<ArrayBuffer>[] }} Picture greys, and its red, green and blue
 */

/** MNIST's digits fill 20 of 28 pixels, drawn with a pen of about 2.4. */
const SHARE_OF_SIDE = 20 / 28;
const PEN_SHARE = 1.2 / 28;
/** Along each side of a pixel, of a picture that is made smaller. */
const MOST_SAMPLES = 12;
/** Points of a stroke that are nearer to each other than this, in pixels of the network, are one. */
const STEP = 0.25;
/** Of a photograph: what is closer to the paper than this is paper. */
const PAPER = 0.15;

/**
 * Whether a point is far enough from the last of a stroke to be one of its own.
 *
 * @param {Point[]} stroke
 * @param {Point} point
 */
export function isStep(stroke, point) {
  const last = stroke[stroke.length - 1];
  return last === undefined || Math.hypot(point.x - last.x, point.y - last.y) >= STEP;
}

/**
 * Draws strokes, given in units of the image's width, with a round pen and soft edges.
 *
 * @param {Point[][]} strokes
 * @param {number} width
 * @param {number} height
 * @returns {Float32Array<ArrayBuffer>}
 */
export function rasterise(strokes, width, height) {
  const pixels = new Float32Array(width * height);
  const radius = PEN_SHARE * Math.min(width, height);
  for (const stroke of strokes) {
    for (let i = 0; i < stroke.length; i++) {
      segment(pixels, width, height, stroke[Math.max(0, i - 1)], stroke[i], radius);
    }
  }
  return pixels;
}

/**
 * Darkens the pixels near a segment: fully within the radius, fading over one pixel.
 *
 * @param {Float32Array<ArrayBuffer>} pixels
 * @param {number} width
 * @param {number} height
 * @param {Point} a
 * @param {Point} b
 * @param {number} radius
 */
function segment(pixels, width, height, a, b, radius) {
  const reach = radius + 0.5;
  /** @param {number} value @param {number} most */
  const within = (value, most) => Math.min(most, Math.max(0, Math.floor(value)));
  const [dx, dy] = [b.x - a.x, b.y - a.y];
  const length = dx * dx + dy * dy;
  const lastColumn = within(Math.max(a.x, b.x) + reach, width - 1);
  const lastRow = within(Math.max(a.y, b.y) + reach, height - 1);
  for (let row = within(Math.min(a.y, b.y) - reach, height - 1); row <= lastRow; row++) {
    for (let column = within(Math.min(a.x, b.x) - reach, width - 1); column <= lastColumn; column++) {
      const [x, y] = [column + 0.5 - a.x, row + 0.5 - a.y];
      const along = length > 0 ? Math.min(1, Math.max(0, (x * dx + y * dy) / length)) : 0;
      const distance = Math.hypot(x - along * dx, y - along * dy);
      const ink = Math.min(1, Math.max(0, reach - distance));
      const index = row * width + column;
      pixels[index] = Math.max(pixels[index], ink);
    }
  }
}

/**
 * Strokes scaled and moved as MNIST's digits were: into a box of 20 of 28 pixels, their proportions
 * kept, then with the centre of mass in the middle.
 *
 * @param {Point[][]} strokes
 * @param {number} width
 * @param {number} height
 * @returns {Point[][]}
 */
export function centreStrokes(strokes, width, height) {
  const points = strokes.flat();
  if (points.length === 0) return strokes;
  const pen = 2 * PEN_SHARE * Math.min(width, height);
  const box = bounds(points);
  const longest = Math.max(box.right - box.left, box.bottom - box.top);
  const side = SHARE_OF_SIDE * Math.min(width, height) - pen;
  // A dot has no size to be scaled to.
  const scale = longest > 0.02 * Math.min(width, height) ? side / longest : 1;
  const middle = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
  /** @param {Point} from @param {Point} to @param {number} by */
  const move = (from, to, by) => (/** @type {Point} */ p) => ({
    x: to.x + by * (p.x - from.x),
    y: to.y + by * (p.y - from.y),
  });
  const centre = { x: width / 2, y: height / 2 };
  const scaled = strokes.map((stroke) => stroke.map(move(middle, centre, scale)));
  const mass = centreOfMass(rasterise(scaled, width, height), width);
  return mass ? scaled.map((stroke) => stroke.map(move(mass, centre, 1))) : scaled;
}

/** @param {Point[]} points */
function bounds(points) {
  const box = { left: Infinity, right: -Infinity, top: Infinity, bottom: -Infinity };
  for (const { x, y } of points) {
    box.left = Math.min(box.left, x);
    box.right = Math.max(box.right, x);
    box.top = Math.min(box.top, y);
    box.bottom = Math.max(box.bottom, y);
  }
  return box;
}

/**
 * @param {Float32Array<ArrayBuffer>} pixels
 * @param {number} width
 * @returns {Point | undefined} none of an image without ink
 */
export function centreOfMass(pixels, width) {
  let [mass, x, y] = [0, 0, 0];
  pixels.forEach((ink, index) => {
    mass += ink;
    x += ink * ((index % width) + 0.5);
    y += ink * (Math.floor(index / width) + 0.5);
  });
  return mass > 0 ? { x: x / mass, y: y / mass } : undefined;
}

/**
 * A drawing for a network of colours, which sees it in greys.
 *
 * @param {Float32Array<ArrayBuffer>} greys
 * @param {number} channels
 */
export function coloured(greys, channels) {
  if (channels === 1) return greys;
  return Float32Array.from({ length: channels * greys.length }, (_, i) => greys[Math.floor(i / channels)]);
}

/**
 * A picture at the network's size, in its colours if the network has some.
 *
 * @param {Picture} picture
 * @param {{ width: number, height: number, channels: number }} shape
 * @param {boolean} centred whether it is to be placed as MNIST's digits were
 * @returns {{ pixels: Float32Array<ArrayBuffer>, inverted: boolean }}
 */
export function fitPicture(picture, { width, height, channels }, centred) {
  if (channels === 1) return fit(picture, width, height, centred);
  const planes = picture.planes.map((pixels) => fit({ ...picture, pixels }, width, height, false).pixels);
  const pixels = Float32Array.from(
    { length: 3 * width * height },
    (_, i) => planes[i % 3][Math.floor(i / 3)],
  );
  return { pixels, inverted: false };
}

/**
 * A picture of any size as the network sees it: light on dark, and if `centred` with its paper
 * taken away, scaled and moved as MNIST's digits were.
 *
 * @param {Grey} grey
 * @param {number} width
 * @param {number} height
 * @param {boolean} centred
 * @returns {{ pixels: Float32Array<ArrayBuffer>, inverted: boolean }}
 */
export function fit(grey, width, height, centred) {
  const ground = median(border(grey));
  const inverted = centred && ground > 0.5;
  const whole = { left: 0, top: 0, right: grey.width, bottom: grey.height };
  if (!centred) {
    const scale = Math.min(width / grey.width, height / grey.height);
    const pixels = resample(grey, whole, scale, { x: width / 2, y: height / 2 }, width, height);
    return { pixels, inverted };
  }
  const ink = grey.pixels.map((value) => Math.abs(value - ground));
  const most = ink.reduce((a, b) => Math.max(a, b), 0);
  const pixels = ink.map((value) => (most > 0 && value > PAPER * most ? value / most : 0));
  const inked = { ...grey, pixels };
  const points = [];
  for (let index = 0; index < pixels.length; index++) {
    if (pixels[index] > 0) points.push({ x: index % grey.width, y: Math.floor(index / grey.width) });
  }
  if (points.length === 0) return { pixels: new Float32Array(width * height), inverted };
  const { left, right, top, bottom } = bounds(points);
  const box = { left, top, right: right + 1, bottom: bottom + 1 };
  const scale = (SHARE_OF_SIDE * Math.min(width, height)) /
    Math.max(box.right - box.left, box.bottom - box.top);
  const centre = { x: width / 2, y: height / 2 };
  const first = resample(inked, box, scale, centre, width, height);
  const mass = centreOfMass(first, width) ?? centre;
  const moved = { x: 2 * centre.x - mass.x, y: 2 * centre.y - mass.y };
  return { pixels: resample(inked, box, scale, moved, width, height), inverted };
}

/**
 * The box of a picture, scaled, with its middle at `middle`: each pixel the mean of what falls on it.
 *
 * @param {Grey} grey
 * @param {{ left: number, top: number, right: number, bottom: number }} box
 * @param {number} scale
 * @param {Point} middle
 * @param {number} width
 * @param {number} height
 */
function resample(grey, box, scale, middle, width, height) {
  const pixels = new Float32Array(width * height);
  const centre = { x: (box.left + box.right) / 2, y: (box.top + box.bottom) / 2 };
  const samples = Math.min(MOST_SAMPLES, Math.max(1, Math.ceil(2 / scale)));
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let i = 0; i < samples * samples; i++) {
        const x = column + ((i % samples) + 0.5) / samples;
        const y = row + (Math.floor(i / samples) + 0.5) / samples;
        const [u, v] = [centre.x + (x - middle.x) / scale, centre.y + (y - middle.y) / scale];
        if (u < box.left || u >= box.right || v < box.top || v >= box.bottom) continue;
        sum += grey.pixels[Math.floor(v) * grey.width + Math.floor(u)];
      }
      pixels[row * width + column] = sum / (samples * samples);
    }
  }
  return pixels;
}

/** @param {Grey} grey */
function border({ pixels, width, height }) {
  const edge = [];
  for (let x = 0; x < width; x++) edge.push(pixels[x], pixels[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) edge.push(pixels[y * width], pixels[y * width + width - 1]);
  return edge;
}

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/**
 * Noise of one of the kinds that training knows; the same `seed` gives the same noise.
 *
 * @param {Float32Array<ArrayBuffer>} pixels
 * @param {"gaussian" | "masking" | "salt_and_pepper"} kind
 * @param {number} amount standard deviation, or share of the pixels
 * @param {number} seed
 * @returns {Float32Array<ArrayBuffer>}
 */
export function corrupt(pixels, kind, amount, seed) {
  if (amount === 0) return pixels;
  const random = generator(seed);
  return pixels.map((pixel) => {
    if (kind === "gaussian") {
      // Box and Muller: two even numbers make a normal one.
      const radius = Math.sqrt(-2 * Math.log(1 - random()));
      const normal = radius * Math.cos(2 * Math.PI * random());
      return Math.min(1, Math.max(0, pixel + amount * normal));
    }
    const draw = random();
    if (draw >= amount) return pixel;
    return kind === "salt_and_pepper" && draw >= amount / 2 ? 1 : 0;
  });
}

/**
 * Even numbers in [0, 1): Marsaglia's xorshift of 32 bits.
 *
 * @param {number} seed
 */
function generator(seed) {
  let state = (Math.imul(seed + 1, 0x9e3779b9) >>> 0) || 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
