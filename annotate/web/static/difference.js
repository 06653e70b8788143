// Difference maps of two images.

export const AMPLIFICATIONS = [1, 2, 4, 8, 16];
// Black, violet, red, orange, pale yellow: brighter is always more, also to the color-blind.
export const HEAT_COLORS = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];
const MAX_MAP_SIZE = 1024;

/**
 * Paint a difference map of two images; return their mean difference as a share of the full range.
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} first
 * @param {HTMLImageElement} second
 * @param {number} amplification
 */
export function paintDifference(canvas, first, second, amplification) {
  const wide = Math.max(first.naturalWidth, second.naturalWidth);
  const high = Math.max(first.naturalHeight, second.naturalHeight);
  const fit = Math.min(1, MAX_MAP_SIZE / Math.max(wide, high));
  const [width, height] = [Math.round(wide * fit), Math.round(high * fit)];
  const [a, b] = [first, second].map((image) => pixelsOf(image, width, height));

  // One color per level, since millions of pixels share 256 of them.
  const colors = Array.from({ length: 256 }, (_, level) => heatColor((level / 255) * amplification));
  Object.assign(canvas, { width, height });
  const context = contextOf(canvas);
  const map = context.createImageData(width, height);

  let sum = 0;
  for (let i = 0; i < a.length; i += 4) {
    const parts = [0, 1, 2].map((c) => Math.abs(a[i + c] - b[i + c]));
    sum += parts[0] + parts[1] + parts[2];
    const color = colors[Math.max(...parts)];
    for (let c = 0; c < 3; c += 1) map.data[i + c] = color[c];
    map.data[i + 3] = 255;
  }
  context.putImageData(map, 0, 0);
  return sum / (a.length / 4) / 3 / 255;
}

/**
 * Return the color of a share of the full range, in red, green and blue.
 * @param {number} share
 */
export function heatColor(share) {
  const position = Math.min(1, share) * (HEAT_COLORS.length - 1);
  const low = Math.min(HEAT_COLORS.length - 2, Math.floor(position));
  return HEAT_COLORS[low].map((value, i) => value + (HEAT_COLORS[low + 1][i] - value) * (position - low));
}

/**
 * Return what paints on a canvas.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export function contextOf(canvas, settings) {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser gives no canvas to paint on.");
  return context;
}

/**
 * @param {HTMLImageElement} image
 * @param {number} width
 * @param {number} height
 */
function pixelsOf(image, width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = contextOf(canvas, { willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}
