// What the project is for: a line above the stage until somebody closes it, and a line in the help.

import { createElement, find } from "../dom.js";
import { recall, remember } from "../storage.js";

const READ_KEY = "palate-purpose-read";

export class Purpose {
  #stage;
  #text = "";
  /** @type {HTMLElement | null} */
  #line = null;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#stage = find(element, ".stage");
  }

  /**
   * Show what the project is for, unless it was read in this browser already.
   * @param {string} text
   */
  show(text) {
    if (text === this.#text) return;
    this.#text = text;
    const help = find(this.#stage, ".help-purpose");
    help.textContent = text;
    help.hidden = !text;

    this.#line?.remove();
    this.#line = text && recall("localStorage", READ_KEY) !== text ? this.#build(text) : null;
    if (this.#line) this.#stage.prepend(this.#line);
  }

  /** @param {string} text */
  #build(text) {
    const close = createElement("button", { type: "button", className: "verdict", textContent: "Got it" });
    close.addEventListener("click", () => {
      remember("localStorage", READ_KEY, text);
      this.#line?.remove();
      this.#stage.focus({ preventScroll: true });
    });
    const line = createElement("aside", { className: "purpose" }, createElement("span", { textContent: text }), close);
    line.setAttribute("aria-label", "What this project is for");
    return line;
  }
}
