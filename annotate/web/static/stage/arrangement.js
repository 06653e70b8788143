// How two images lie on the stage: beside each other, or on a phone stacked, or one portrait at a time.

import { find, findAll, PHONE } from "../dom.js";

/**
 * @typedef {"beside" | "stacked" | "single"} Kind
 * @typedef {"portrait" | "square" | "landscape"} Shape
 */

// Stacked on a phone, images of these shapes fill half of its screen; taller ones would not.
const LEAST_STACKED = 0.98;
// From here a row of verdicts below the images leaves them more room than a column beside them.
const LEAST_OVER_A_ROW = 1.22;
/**
 * What the two images are called.
 * @type {Record<Kind, [string, string]>}
 */
const NAMES = { beside: ["Left", "Right"], stacked: ["Top", "Bottom"], single: ["Left", "Right"] };

export class Arrangement {
  #element;
  #stage;
  #phone = matchMedia(PHONE);
  /** @type {Shape} */
  #shape = "square";
  #four = false;
  #size = "";
  #told = "";

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.#stage = find(element, ".stage");
    this.#phone.addEventListener?.("change", () => this.#tell());
  }

  /** @returns {Kind} */
  get kind() {
    if (!this.#phone.matches || this.#four) return "beside";
    return this.#shape === "portrait" ? "single" : "stacked";
  }

  /** The names of the first and the second image. */
  get names() {
    return NAMES[this.kind];
  }

  /**
   * Give the stage the shape of new images, the first of which counts. What is as before is not set
   * again: this happens between a key and the next images.
   * @param {HTMLImageElement[] | null} images
   * @param {boolean} four
   */
  take(images, four) {
    const { naturalWidth: width = 0, naturalHeight: height = 0 } = images?.[0] || {};
    this.#side(0);
    this.#four = four;
    const size = width && height ? `${width}x${height}` : "";
    if (this.#size !== size || !this.#told) {
      this.#size = size;
      const ratio = size ? width / height : 1;
      this.#shape = ratio < LEAST_STACKED ? "portrait" : ratio < LEAST_OVER_A_ROW ? "square" : "landscape";
      this.#stage.style.setProperty("--ratio", String(ratio));
      this.#stage.style.setProperty("--natural", size ? String(width) : "4096");
      this.#stage.dataset.shape = this.#shape;
    }
    this.#tell();
  }

  /** Show the other one of two portraits. */
  flip() {
    this.#side(this.#stage.dataset.side === "1" ? 0 : 1);
  }

  /** @param {0 | 1} side */
  #side(side) {
    if (this.#stage.dataset.side !== String(side)) this.#stage.dataset.side = String(side);
  }

  /** Name the images by where they are, on their buttons. */
  #tell() {
    if (this.#told === this.kind) return;
    this.#told = this.kind;
    ["left", "right"].forEach((verdict, place) => {
      const name = this.names[place];
      for (const label of findAll(this.#element, `[data-name="${verdict}"]`)) label.textContent = name;
      const does = `The ${name.toLowerCase()} image is better`;
      find(this.#element, `.image[data-verdict="${verdict}"]`).setAttribute("aria-label", does);
    });
  }
}
