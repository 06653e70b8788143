// Browser storage that may be unavailable. A store is passed by name, "localStorage" or
// "sessionStorage", since a browser that forbids it throws on any access.

const makeKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

function recall(storage, key) {
  try {
    return window[storage].getItem(key);
  } catch {
    return null;
  }
}

function remember(storage, key, value) {
  try {
    window[storage].setItem(key, value);
  } catch {
    // Labeling works without storage.
  }
}
