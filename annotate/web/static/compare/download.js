// Downloads of what the page has made.

import { createElement } from "../dom.js";

const REVOKE_AFTER_MS = 10000;

/**
 * Save a blob as a file.
 * @param {Blob} blob
 * @param {string} name
 */
export function download(blob, name) {
  const link = createElement("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  // Not at once: some browsers start the download a moment later.
  setTimeout(() => URL.revokeObjectURL(link.href), REVOKE_AFTER_MS);
}

/**
 * Save a canvas as a PNG; resolves to false where it is too large for the browser.
 * @param {HTMLCanvasElement} canvas
 * @param {string} name
 */
export async function downloadCanvas(canvas, name) {
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob) download(blob, name);
  return Boolean(blob);
}
