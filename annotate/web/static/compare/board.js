// The comparison board: rows of prompts and seeds, columns of versions, and five modes to compare.
// It needs nothing of the page around it, since saved pages contain it too.

import { paintDifference } from "../difference.js";
import { createElement, find, findAll } from "../dom.js";
import { listenToZoom, Zoom } from "../zoom.js";
import { labelsOf, promptOf } from "./board_data.js";
import { listenToBoard } from "./board_input.js";
import {
  differenceLegend, isMode, makeFigure, makeParts, makeSections, makeSelect,
} from "./board_parts.js";

/**
 * @typedef {import("../types").BoardData} BoardData
 * @typedef {import("../types").Mode} Mode
 */

/**
 * Modes that compare two columns.
 * @type {Mode[]}
 */
const TWO_COLUMN_MODES = ["slider", "flicker", "difference"];
// From three screen pixels per image pixel on, pixels are shown as sharp squares.
const SHARP_ZOOM = 3;
// Maps are painted a little before they are scrolled into view.
const PAINT_MARGIN = "300px";

export class Board {
  /** @type {BoardData | null} */
  data = null;
  /** @type {Mode} */
  mode = "side";
  // Share of the left image under the slider, in percent.
  split = 50;
  /**
   * The columns that are compared.
   * @type {number[]}
   */
  pair = [0, 1];
  root;
  zoom;
  parts = makeParts();
  #amplification = 4;
  #key = "";
  /** @type {HTMLElement[]} */
  #figures = [];
  /**
   * What each map shows.
   * @type {WeakMap<HTMLCanvasElement, string>}
   */
  #painted = new WeakMap();
  #resolve;
  #onMode;
  #observer;

  /**
   * @param {HTMLElement} root
   * @param {object} options
   * @param {(url: string) => string} [options.resolve] makes an absolute URL
   * @param {(mode: Mode) => void} [options.onMode]
   * @param {HTMLElement[]} [options.actions] buttons at the end of the toolbar
   */
  constructor(root, { resolve = (url) => url, onMode = () => {}, actions = [] } = {}) {
    this.root = root;
    this.#resolve = resolve;
    this.#onMode = onMode;
    this.zoom = new Zoom(root, (at) => this.#showZoom(at));
    this.#observer = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (isIntersecting && target instanceof HTMLElement) this.#paintMap(Number(target.dataset.index));
      }
    }, { rootMargin: PAINT_MARGIN });

    const { modes, pair, hold, zoom, status, legend, cards, help } = this.parts;
    root.replaceChildren(
      createElement("div", { className: "toolbar" }, modes, pair, hold, zoom,
        createElement("span", { className: "actions" }, ...actions)),
      status, legend, cards, help);
    const claim = listenToBoard(this);
    listenToZoom(root, this.zoom, { claim });
    this.setSplit(this.split);
  }

  /**
   * Show a board, or what has changed in it.
   * @param {BoardData} data
   */
  show(data) {
    this.data = data;
    const key = JSON.stringify([data.prompts, data.seeds, labelsOf(data)]);
    if (key !== this.#key) this.#build(data, key);
    data.cells.forEach((row, index) => row.forEach((url, column) => this.#setImage(data, index, column, url)));
    this.parts.status.textContent = data.status || "";
    this.parts.status.dataset.tone = data.tone || "calm";
    this.root.toggleAttribute("data-busy", Boolean(data.busy));
    this.#update();
  }

  /**
   * Compare in another way.
   * @param {string | undefined} mode
   */
  setMode(mode) {
    if (!isMode(mode)) return;
    this.mode = mode;
    this.swap(false);
    this.#update();
    this.#onMode(mode);
  }

  /**
   * Show the second column in place of the first, in flicker.
   * @param {boolean} on
   */
  swap(on) {
    this.root.toggleAttribute("data-swapped", on && this.mode === "flicker" && this.pair[0] !== this.pair[1]);
  }

  /**
   * Move the slider.
   * @param {number} percent
   */
  setSplit(percent) {
    this.split = Math.min(100, Math.max(0, percent));
    this.root.style.setProperty("--split", `${this.split}%`);
    for (const range of findAll(this.root, 'input[type="range"]')) Object.assign(range, { value: this.split });
  }

  /**
   * Return the figure of a row.
   * @param {number} index
   */
  figure(index) {
    return this.#figures[index];
  }

  // ---- building ------------------------------------------------------------------------
  /**
   * @param {BoardData} data
   * @param {string} key
   */
  #build(data, key) {
    this.#key = key;
    this.pair = [0, Math.min(data.columns.length, 2) - 1];
    this.root.style.setProperty("--columns", String(data.columns.length));
    this.zoom.reset();
    this.#figures = data.prompts.flatMap((_, i) =>
      data.seeds.map((_, j) => makeFigure(data, i * data.seeds.length + j, this.split)));
    this.parts.cards.replaceChildren(...makeSections(data, this.#figures));
    this.parts.pair.replaceChildren(this.#columnSelect(0), createElement("span", { textContent: "and" }),
      this.#columnSelect(1));
  }

  /** @param {0 | 1} index */
  #columnSelect(index) {
    const names = (this.data ? labelsOf(this.data) : []).map((name, i) => [i, name]);
    return makeSelect(index ? "Second of the two" : "First of the two", names, this.pair[index], (column) => {
      this.pair[index] = column;
      this.#update();
    });
  }

  /**
   * @param {BoardData} data
   * @param {number} index
   * @param {number} column
   * @param {string | null} url
   */
  #setImage(data, index, column, url) {
    const side = find(this.figure(index), `[data-column="${column}"]`);
    if (!url || side.dataset.url === url) return;
    side.dataset.url = url;
    const alt = `${promptOf(data, index)}, rendered by ${labelsOf(data)[column]}`;
    const image = createElement("img", { alt, loading: "lazy", decoding: "async", draggable: false });
    image.addEventListener("load", () => this.#onImageLoad(index));
    image.src = this.#resolve(url);

    const frame = find(side, ".frame");
    frame.className = "frame";
    frame.replaceChildren(image);
  }

  /** @param {number} index */
  #onImageLoad(index) {
    const figure = this.figure(index);
    const images = imagesIn(figure).filter((image) => image.naturalWidth);
    const sizes = new Set(images.map((image) => `${image.naturalWidth} × ${image.naturalHeight}`));
    figure.style.setProperty("--shape", `${images[0].naturalWidth} / ${images[0].naturalHeight}`);
    find(figure, ".size").textContent = sizes.size > 1 ? [...sizes].join(" and ") : "";
    if (this.mode === "difference") this.#paintMap(index);
  }

  // ---- the mode --------------------------------------------------------------------------
  #update() {
    this.root.dataset.mode = this.mode;
    for (const button of findAll(this.parts.modes, "button")) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === this.mode));
    }
    if (!this.data) return;
    const two = TWO_COLUMN_MODES.includes(this.mode);
    this.parts.pair.hidden = !two || this.data.columns.length < 3;
    this.parts.hold.hidden = this.mode !== "flicker";
    for (const side of findAll(this.root, "[data-column]")) this.#updateSide(side, two);
    this.#updateLegend(labelsOf(this.data));
    if (this.mode === "difference") this.#observeMaps();
  }

  /**
   * @param {HTMLElement} side
   * @param {boolean} two
   */
  #updateSide(side, two) {
    const column = Number(side.dataset.column);
    const [first, second] = this.pair;
    side.classList.toggle("first", column === first);
    side.classList.toggle("second", column === second && column !== first);
    side.hidden = two && !this.pair.includes(column);
    // A lazily loaded image would flash when it is first swapped in.
    if (two && !side.hidden) side.querySelector("img")?.setAttribute("loading", "eager");
  }

  /** @param {string[]} columns */
  #updateLegend(columns) {
    const [first, second] = this.pair.map((column) => columns[column]);
    /** @type {Partial<Record<Mode, (Node | string)[]>>} */
    const legends = {
      flicker: [`${first}, and ${second} while Space or an image is held.`],
      grid: [`From left to right: ${columns.join(", ")}. A click shows one large.`],
      difference: differenceLegend(first, second, this.#amplification, (by) => {
        this.#amplification = by;
        this.#update();
      }),
    };
    this.parts.legend.replaceChildren(...(legends[this.mode] || []));
    this.parts.legend.hidden = !legends[this.mode];
  }

  /** @param {number} zoom */
  #showZoom(zoom) {
    this.parts.zoom.hidden = zoom === 1;
    this.parts.zoom.textContent = `${zoom < 10 ? zoom.toFixed(1) : Math.round(zoom)}× · Reset`;
    const [image] = imagesIn(this.root);
    const shown = image ? (image.clientWidth * zoom) / (image.naturalWidth || 1) : 0;
    this.root.toggleAttribute("data-dots", shown >= SHARP_ZOOM);
  }

  // ---- the difference --------------------------------------------------------------------
  #observeMaps() {
    this.#observer.disconnect();
    for (const figure of this.#figures) this.#observer.observe(figure);
  }

  /** @param {number} index */
  #paintMap(index) {
    const figure = this.figure(index);
    const [first, second] = this.pair.map((column) => imagesIn(figure, `[data-column="${column}"] `)[0]);
    if (!first?.naturalWidth || !second?.naturalWidth) return;
    const canvas = /** @type {HTMLCanvasElement} */ (find(figure, "canvas"));
    const key = [first.src, second.src, this.#amplification].join();
    if (this.#painted.get(canvas) === key) return;
    this.#painted.set(canvas, key);

    const share = 100 * paintDifference(canvas, first, second, this.#amplification);
    const scaled = first.naturalWidth === second.naturalWidth
      && first.naturalHeight === second.naturalHeight ? "" : ", scaled";
    const text = share ? `differs by ${share.toFixed(share < 1 ? 2 : 1)} %${scaled}` : "equal";
    canvas.setAttribute("aria-label", `Difference map: ${text} on average`);
    find(figure, ".map em").textContent = text;
  }
}

/**
 * @param {ParentNode} root
 * @param {string} within the start of a selector
 */
const imagesIn = (root, within = "") =>
  /** @type {HTMLImageElement[]} */ (findAll(root, `${within}img`));
