// The magnifier of the stage: zoom, flicker, difference map, pixel for pixel, fullscreen.

import { contextOf, paintDifference } from "../difference.js";
import { find, findAll } from "../dom.js";
import { areOriginal } from "../image_size.js";
import { listenToZoom, Zoom } from "../zoom.js";

const FLICKER_MS = 380;
const MOVED_PX = 6;
const SMALL_DIFFERENCE_GAIN = 4;
const LARGE_DIFFERENCE = 0.08;

export class Magnifier {
  // True from a drag of a zoomed image until the next press.
  dragged = false;
  #element;
  #stage;
  #overlay;
  #canvas;
  #zoom;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;
  #side = 0;
  /** @type {[number, number] | null} */
  #pressedAt = null;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.#stage = find(element, ".stage");
    this.#overlay = find(element, ".overlay");
    this.#canvas = /** @type {HTMLCanvasElement} */ (find(this.#overlay, "canvas"));
    this.#zoom = new Zoom(this.#stage, (zoom) => {
      find(this.#stage, '[data-action="unzoom"]').hidden = zoom === 1;
      if (zoom !== 1) areOriginal(this.#images());
    });
    listenToZoom(this.#stage, this.#zoom, { always: true, double: false });
    this.#listenToDrags();
    this.#listenToHold();
  }

  get open() {
    return !this.#overlay.hidden || this.#stage.hasAttribute("data-zoomed");
  }

  /**
   * Alternate the two images in one place while a key is held, which makes their differences visible.
   * @param {boolean} held
   */
  flicker(held) {
    if (this.#overlay.dataset.kind === "flicker") this.#close();
    if (!held || this.#images().length !== 2) return;
    this.#side = 0;
    this.#close();
    this.#swap();
    this.#timer = setInterval(() => this.#swap(), FLICKER_MS);
  }

  /** Show the difference map, or close it. */
  difference() {
    if (this.#overlay.dataset.kind === "difference") return this.#close();
    const [left, right] = this.#images();
    if (!right || !areOriginal([left, right], () => this.difference())) return undefined;

    this.#close();
    const mean = paintDifference(this.#canvas, left, right, 1);
    // Small differences are amplified; large ones would become one bright patch.
    if (mean < LARGE_DIFFERENCE) paintDifference(this.#canvas, left, right, SMALL_DIFFERENCE_GAIN);
    return this.#show("difference", `They differ by ${(100 * mean).toFixed(1)} % on average`);
  }

  /** Show one pixel of the images on one pixel of the screen, or whole images again. */
  pixels() {
    const [image] = this.#images();
    if (!image) return;
    if (this.#stage.hasAttribute("data-zoomed")) this.#zoom.reset();
    else if (areOriginal(this.#images(), () => this.pixels())) this.#zoom.exact(find(this.#element, ".pair .frame"), image);
  }

  /** Fill the screen, or leave it. */
  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.#stage.requestFullscreen?.().catch(() => {});
  }

  /** Show whole images again, and nothing over them. */
  reset() {
    if (!this.#overlay.hidden) this.#close();
    if (this.#stage.hasAttribute("data-zoomed")) this.#zoom.reset();
  }

  #images() {
    return /** @type {HTMLImageElement[]} */ (findAll(this.#element, ".pair .frame img"));
  }

  #swap() {
    const both = this.#images();
    if (both.length !== 2) return this.#close();
    const image = both[this.#side];
    Object.assign(this.#canvas, { width: image.naturalWidth, height: image.naturalHeight });
    contextOf(this.#canvas).drawImage(image, 0, 0);
    this.#show("flicker", this.#side ? "right" : "left");
    this.#side = 1 - this.#side;
    return undefined;
  }

  /**
   * @param {string} kind
   * @param {string} text
   */
  #show(kind, text) {
    this.#overlay.hidden = false;
    this.#overlay.dataset.kind = kind;
    find(this.#overlay, ".overlay-label").textContent = text;
  }

  #close() {
    clearInterval(this.#timer);
    this.#overlay.hidden = true;
    this.#overlay.dataset.kind = "";
  }

  #listenToDrags() {
    // Dragging a zoomed image is no vote for it.
    this.#stage.addEventListener("pointerdown", (event) => {
      this.#pressedAt = [event.clientX, event.clientY];
      this.dragged = false;
    }, true);
    this.#stage.addEventListener("pointermove", (event) => {
      if (!this.#pressedAt || !event.buttons) return;
      const [x, y] = this.#pressedAt;
      if (Math.hypot(event.clientX - x, event.clientY - y) > MOVED_PX) this.dragged = true;
    }, true);
  }

  #listenToHold() {
    const hold = find(this.#stage, '[data-hold="flicker"]');
    hold.addEventListener("pointerdown", () => this.flicker(true));
    for (const end of ["pointerup", "pointerleave", "pointercancel"]) {
      hold.addEventListener(end, () => this.flicker(false));
    }
  }
}
