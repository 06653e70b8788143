// The toast over the images: it confirms what was given, and says what went wrong. It takes no room.

import { find, findAll, setText } from "../dom.js";

/** @type {Record<string, string>} */
const CONFIRMATIONS = {
  tie: "Tie.",
  both_good: "Both good.",
  both_bad: "Both bad.",
  skip: "Skipped.",
  ranking: "Ranked.",
  report: "Flagged: hidden until an admin has looked at it.",
};
/**
 * The images that flash after a verdict.
 * @type {Record<string, number[]>}
 */
const FLASHED = { left: [0], right: [1], tie: [0, 1], both_good: [0, 1], both_bad: [0, 1] };
const NOTE_MS = 2500;
const PROBLEM_MS = 12000;

export class Toast {
  #toast;
  #frames;
  #arrangement;
  #reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} element
   * @param {Pick<import("./arrangement.js").Arrangement, "names">} arrangement
   */
  constructor(element, arrangement) {
    this.#toast = find(element, ".note");
    this.#frames = findAll(element, ".pair .image");
    this.#arrangement = arrangement;
  }

  /**
   * Show a sentence for a moment.
   * @param {string} text
   * @param {"calm" | "problem"} kind
   */
  show(text, kind) {
    this.#toast.dataset.kind = kind;
    setText(this.#toast, text);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => setText(this.#toast, ""), kind === "calm" ? NOTE_MS : PROBLEM_MS);
  }

  /**
   * Confirm what was given.
   * @param {string} given a verdict, "ranking" or "report"
   * @param {string} undoName what undoes it
   */
  confirm(given, undoName) {
    this.#flash(given);
    const side = ["left", "right"].indexOf(given);
    const confirmation = side < 0 ? CONFIRMATIONS[given] : `${this.#arrangement.names[side]}.`;
    this.show(given === "report" ? confirmation : `${confirmation} ${undoName} undoes it.`, "calm");
  }

  /** @param {string} verdict */
  #flash(verdict) {
    if (this.#reducedMotion.matches) return;
    const color = `var(${verdict === "both_bad" ? "--body-text-color-subdued" : "--color-accent"})`;
    for (const side of FLASHED[verdict] || []) {
      this.#frames[side].animate(
        [{ boxShadow: `0 0 0 4px ${color}` }, { boxShadow: "0 0 0 4px transparent" }],
        { duration: 420, easing: "ease-out" },
      );
    }
  }
}
