// What the browser keeps between visits, where it keeps anything. A store is named, "localStorage" or
// "sessionStorage", since a browser that forbids it throws as soon as it is mentioned.

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
    // A browser that keeps nothing still labels.
  }
}
