// Zoom: one zoom for every image of a board.

import { closest } from "./dom.js";

const MAX_ZOOM = 32;

/** One zoom, written to the style of a board as --zoom, --pan-x and --pan-y. */
export class Zoom {
  // Positions are shares of a frame, so that frames of any size show the same spot.
  at = { zoom: 1, x: 0, y: 0 };
  #root;
  #onChange;

  /**
   * @param {HTMLElement} root
   * @param {(zoom: number) => void} onChange
   */
  constructor(root, onChange) {
    this.#root = root;
    this.#onChange = onChange;
  }

  /**
   * Zoom by a factor around a spot, which stays where it is.
   * @param {number} x
   * @param {number} y
   * @param {number} factor
   */
  zoomAt(x, y, factor) {
    const { at } = this;
    const zoom = Math.min(MAX_ZOOM, Math.max(1, at.zoom * factor));
    this.#set(zoom, x - ((x - at.x) * zoom) / at.zoom, y - ((y - at.y) * zoom) / at.zoom);
  }

  /**
   * Move the images by shares of their frame.
   * @param {number} x
   * @param {number} y
   */
  pan(x, y) {
    this.#set(this.at.zoom, this.at.x + x, this.at.y + y);
  }

  /** Show whole images again. */
  reset() {
    this.#set(1, 0, 0);
  }

  /**
   * Show one pixel of the image on one pixel of the screen, around the center of the view.
   * @param {HTMLElement} frame
   * @param {HTMLImageElement} image
   */
  exact(frame, image) {
    const { at } = this;
    const zoom = image.naturalWidth / (frame.clientWidth * window.devicePixelRatio);
    const [x, y] = [(0.5 - at.x) / at.zoom, (0.5 - at.y) / at.zoom];
    this.#set(zoom, 0.5 - x * zoom, 0.5 - y * zoom);
  }

  /**
   * @param {number} zoom
   * @param {number} x
   * @param {number} y
   */
  #set(zoom, x, y) {
    /** @param {number} value */
    const clamp = (value) => (zoom < 1 ? (1 - zoom) / 2 : Math.min(0, Math.max(1 - zoom, value)));
    const { at } = this;
    Object.assign(at, { zoom, x: clamp(x), y: clamp(y) });

    this.#root.style.setProperty("--zoom", String(at.zoom));
    this.#root.style.setProperty("--pan-x", `${100 * at.x}%`);
    this.#root.style.setProperty("--pan-y", `${100 * at.y}%`);
    this.#root.toggleAttribute("data-zoomed", at.zoom !== 1);
    this.#onChange(at.zoom);
  }
}

/**
 * Zoom and pan by wheel, drag and pinch on the frames of a board.
 * @param {HTMLElement} root
 * @param {Zoom} zoom
 * @param {object} options
 * @param {(frame: HTMLElement, event: PointerEvent) => boolean} [options.claim] takes a press before the zoom does
 * @param {boolean} [options.always] zoom by the wheel without Ctrl as well
 * @param {boolean} [options.double] zoom by a double click
 */
export function listenToZoom(root, zoom, { claim = () => false, always = false, double = true } = {}) {
  listenToWheel(root, zoom, always);
  if (double) listenToDoubleClick(root, zoom);
  listenToPointers(root, zoom, claim);
  root.addEventListener("dragstart", (event) => {
    if (frameOf(event)) event.preventDefault();
  });
}

/** @param {Event} event */
const frameOf = (event) => closest(event, ".frame");

/**
 * Return a point of the screen in shares of a frame.
 * @param {HTMLElement} frame
 * @param {number} x
 * @param {number} y
 * @returns {[number, number]}
 */
function pointIn(frame, x, y) {
  const box = frame.getBoundingClientRect();
  return [(x - box.left) / box.width, (y - box.top) / box.height];
}

/**
 * @param {HTMLElement} root
 * @param {Zoom} zoom
 * @param {boolean} always
 */
function listenToWheel(root, zoom, always) {
  // Without Ctrl the wheel scrolls the page until something is zoomed: a board is longer than a
  // screen, and the pointer is nearly always on an image.
  root.addEventListener("wheel", (event) => {
    const frame = frameOf(event);
    if (!frame || !(always || event.ctrlKey || event.metaKey || zoom.at.zoom > 1)) return;
    event.preventDefault();
    // Firefox counts the wheel in lines, others in pixels.
    const lines = event.deltaMode === 1 ? 30 : 1;
    const factor = Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) / 240);
    zoom.zoomAt(...pointIn(frame, event.clientX, event.clientY), factor);
  }, { passive: false });
}

/**
 * @param {HTMLElement} root
 * @param {Zoom} zoom
 */
function listenToDoubleClick(root, zoom) {
  root.addEventListener("dblclick", (event) => {
    const frame = frameOf(event);
    if (!frame) return;
    if (zoom.at.zoom === 1) zoom.zoomAt(...pointIn(frame, event.clientX, event.clientY), 3);
    else zoom.reset();
  });
}

/**
 * @param {HTMLElement} root
 * @param {Zoom} zoom
 * @param {(frame: HTMLElement, event: PointerEvent) => boolean} claim
 */
function listenToPointers(root, zoom, claim) {
  /** @type {Map<number, { frame: HTMLElement, x: number, y: number }>} */
  const fingers = new Map();

  root.addEventListener("pointerdown", (event) => {
    const frame = frameOf(event);
    if (!frame || event.button || claim(frame, event)) return;
    fingers.set(event.pointerId, { frame, x: event.clientX, y: event.clientY });
    if (zoom.at.zoom > 1) frame.setPointerCapture(event.pointerId);
  });

  root.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const [, other] = [...fingers.entries()].find(([id]) => id !== event.pointerId) || [];
    if (other) {
      /** @param {number} x @param {number} y */
      const distance = (x, y) => Math.hypot(x - other.x, y - other.y) || 1;
      const factor = distance(event.clientX, event.clientY) / distance(finger.x, finger.y);
      const [x, y] = [(event.clientX + other.x) / 2, (event.clientY + other.y) / 2];
      zoom.zoomAt(...pointIn(finger.frame, x, y), factor);
    } else if (zoom.at.zoom > 1) {
      const box = finger.frame.getBoundingClientRect();
      zoom.pan((event.clientX - finger.x) / box.width, (event.clientY - finger.y) / box.height);
    }
    Object.assign(finger, { x: event.clientX, y: event.clientY });
  });

  for (const end of /** @type {const} */ (["pointerup", "pointercancel"])) {
    root.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
}
