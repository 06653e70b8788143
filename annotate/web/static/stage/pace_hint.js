// A card that hints to slow down. It takes no key and covers no image, so voting goes on.

import { createElement, find } from "../dom.js";

const PACE_HINT_MS = 60000;

export class PaceHint {
  #stage;
  /** @type {HTMLElement | null} */
  #card = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.#stage = stage;
  }

  /**
   * Show a sentence for a minute, or until it is closed.
   * @param {string} sentence
   */
  show(sentence) {
    this.#card = this.#card || this.#build();
    find(this.#card, "span").textContent = sentence;
    this.#card.hidden = false;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#hide(), PACE_HINT_MS);
  }

  #build() {
    const close = createElement("button", { type: "button", textContent: "Continue" });
    close.addEventListener("click", () => {
      this.#hide();
      this.#stage.focus({ preventScroll: true });
    });
    const card = createElement("aside", { className: "pace-hint" }, createElement("span"), close);
    card.setAttribute("role", "status");
    this.#stage.append(card);
    return card;
  }

  #hide() {
    if (this.#card) this.#card.hidden = true;
  }
}
