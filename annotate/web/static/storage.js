// Browser storage that may be unavailable. A store is passed by name, since a browser that forbids it
// throws on any access.

/** @typedef {"localStorage" | "sessionStorage"} StoreName */

/** Where the annotator's name is remembered. */
export const NAME_KEY = "palate-annotator";

/** Return 128 random bits, as 32 hexadecimal digits. */
export const makeKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

/**
 * Return what is stored under a key; null for nothing, or without storage.
 * @param {StoreName} storage
 * @param {string} key
 */
export function recall(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

/**
 * Store a text under a key, if this browser stores anything.
 * @param {StoreName} storage
 * @param {string} key
 * @param {string} value
 */
export function remember(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // Labeling works without storage.
  }
}
