/**
 * What the page carries: JSON whose long lists of numbers are base64 of little-endian bytes.
 *
 * @typedef {"f16" | "f32"} Precision
 */

/**
 * @param {string} base64
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function bytes(base64) {
  const text = atob(base64);
  const values = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) values[i] = text.charCodeAt(i);
  return values;
}

/**
 * @param {string} base64
 * @param {Precision} precision
 * @returns {Float32Array<ArrayBuffer>}
 */
export function numbers(base64, precision = "f32") {
  const view = new DataView(bytes(base64).buffer);
  const size = precision === "f32" ? 4 : 2;
  const values = new Float32Array(view.byteLength / size);
  for (let i = 0; i < values.length; i++) {
    values[i] = size === 4 ? view.getFloat32(4 * i, true) : half(view.getUint16(2 * i, true));
  }
  return values;
}

/**
 * The number that the 16 bits of an IEEE 754 half stand for.
 *
 * @param {number} bits
 */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}
