// Images at the size that they are shown: a tenth of the bytes for who labels on another machine.

const SIDE = "side";
const THIS_MACHINE = ["localhost", "127.0.0.1", "[::1]"];

/**
 * Return the address of an image no larger than the window can show it.
 * @param {URL} url
 * @param {Pick<Window, "innerWidth" | "innerHeight" | "devicePixelRatio">} shownIn
 */
export function shownUrl(url, shownIn) {
  // From this machine to itself a PNG takes no time, and WebP would take the processor's.
  if (THIS_MACHINE.includes(url.hostname)) return url.href;
  const { innerWidth, innerHeight, devicePixelRatio } = shownIn;
  const across = innerWidth > innerHeight ? innerWidth / 2 : innerWidth;
  const side = Math.ceil(Math.max(across, innerHeight) * devicePixelRatio);
  // A window that is hidden may have no size.
  if (!(side > 0)) return url.href;
  const shown = new URL(url);
  shown.searchParams.set(SIDE, String(side));
  return shown.href;
}

/**
 * Return the address of an image for a place that is never wider than `side` pixels.
 * @param {URL} url
 * @param {number} side
 */
export const smallUrl = (url, side) => shownUrl(url, { innerWidth: side, innerHeight: side, devicePixelRatio: 1 });

/**
 * Return whether images are the originals, pixel by pixel; else load these in their place and call back.
 * @param {HTMLImageElement[]} images
 * @param {() => void} [loaded] called if the images are still on the page then
 */
export function areOriginal(images, loaded = () => {}) {
  const smaller = images.filter((image) => new URL(image.src, document.baseURI).searchParams.has(SIDE));
  if (!smaller.length) return true;
  Promise.all(smaller.map(loadOriginal)).then(() => {
    if (images.every((image) => image.isConnected)) loaded();
  }, () => {
    // Not reachable: the smaller ones stay, and the next zoom tries again.
  });
  return false;
}

/** @param {HTMLImageElement} image */
async function loadOriginal(image) {
  const url = new URL(image.src, document.baseURI);
  url.searchParams.delete(SIDE);
  const original = new Image();
  original.src = url.href;
  await original.decode();
  // Loaded by now, so that the image on the page changes without a blank frame.
  image.src = url.href;
  await image.decode();
}
