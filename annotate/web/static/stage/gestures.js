// Input of the stage: keys, clicks, taps and swipes become the names of actions.

import { closest, find } from "../dom.js";
import { glyphOf, isComposing, keyName } from "./keys.js";

/**
 * @typedef {object} Input
 * @property {HTMLElement} element
 * @property {import("./keys.js").Keys} keys
 * @property {import("./view.js").StageView} view
 * @property {import("./magnifier.js").Magnifier} magnifier
 * @property {(action: string, pressedAt: number) => void} perform
 * @property {() => import("./keys.js").Layout} layout
 */

const SWIPE_PX = 60;

/**
 * Listen until the element leaves the page.
 * @param {Input} input
 */
export function listenToInput(input) {
  const rebinding = new Rebinding(input);
  listenToKeys(input, rebinding);
  listenToClicks(input, rebinding);
  listenToSwipes(input);
}

/** Choosing another key for an action. */
class Rebinding {
  /** @type {string | null} */
  #action = null;
  #input;

  /** @param {Input} input */
  constructor(input) {
    this.#input = input;
  }

  get active() {
    return this.#action !== null;
  }

  /**
   * Ask for the key of an action.
   * @param {HTMLElement} button
   */
  ask(button) {
    this.#action = button.dataset.pick || null;
    this.#input.view.keyHint("Press the new key. Esc keeps the old one.", button);
  }

  /**
   * Take a pressed key as the new one.
   * @param {KeyboardEvent} event
   */
  take(event) {
    const { keys, view } = this.#input;
    event.preventDefault();
    if (isComposing(event) || this.#action === null) return;
    const key = keyName(event);
    if (key !== "Escape") {
      if (!keys.isFree(key, this.#action)) {
        view.keyHint(`${glyphOf(key)} is taken. Press another key.`);
        return;
      }
      keys.set(this.#action, key);
    }
    this.#action = null;
    view.showKeys(keys);
  }
}

/**
 * @param {Input} input
 * @param {Rebinding} rebinding
 */
function listenToKeys({ element, keys, view, magnifier, perform, layout }, rebinding) {
  const isActive = () => element.isConnected && view.shown;

  /**
   * @param {KeyboardEvent} event
   * @returns {void}
   */
  function onKey(event) {
    if (!element.isConnected) return document.removeEventListener("keydown", onKey);
    if (!isActive()) return undefined;
    if (rebinding.active) return rebinding.take(event);
    const action = keys.actionOf(event, layout());
    if (!action) return undefined;
    if (action !== "close") event.preventDefault();
    if (action === "flicker") return magnifier.flicker(true);
    return perform(action, event.timeStamp);
  }

  /**
   * @param {KeyboardEvent} event
   * @returns {void}
   */
  function onKeyUp(event) {
    if (!element.isConnected) return document.removeEventListener("keyup", onKeyUp);
    if (!keys.isOf(event, "flicker")) return undefined;
    // Space flickers; without this it would also press the button that was clicked last.
    const clicked = event.target instanceof Element && event.target.matches("button:not(:focus-visible)");
    if (isActive() && clicked) event.preventDefault();
    return magnifier.flicker(false);
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("keyup", onKeyUp);
}

/**
 * @param {Input} input
 * @param {Rebinding} rebinding
 */
function listenToClicks({ element, magnifier, view, perform }, rebinding) {
  element.addEventListener("click", (event) => {
    const pick = closest(event, "[data-pick]");
    if (pick) return rebinding.ask(pick);
    const prompt = closest(event, ".prompt");
    if (prompt) return prompt.toggleAttribute("data-whole");
    const button = closest(event, "[data-verdict], [data-place], [data-action]");
    if (!button || (magnifier.dragged && button.matches(".image"))) return undefined;
    // Where one portrait is shown at a time, a tap shows the other one.
    if (view.arrangement.kind === "single" && button.matches(".image")) return view.arrangement.flip();
    const { verdict, place, action } = button.dataset;
    // Keys would mark the button that was clicked last, as if it were chosen on the next pair as well.
    if (event.detail > 0 && (verdict || place)) button.blur();
    return perform(verdict || (place && `place-${place}`) || action || "", event.timeStamp);
  });
}

/** @param {Input} input */
function listenToSwipes({ element, magnifier, view, perform, layout }) {
  const images = find(element, ".images");
  /** @type {[number, number] | null} */
  let start = null;

  images.addEventListener("pointerdown", (event) => {
    const single = event.pointerType === "touch" && event.isPrimary && !magnifier.open;
    // Of stacked images none is to the left.
    const sideways = layout() === "two" && view.arrangement.kind !== "stacked";
    start = single && sideways ? [event.clientX, event.clientY] : null;
  });
  images.addEventListener("pointerup", (event) => {
    if (!start || magnifier.open) return;
    const [across, down] = [event.clientX - start[0], event.clientY - start[1]];
    start = null;
    if (Math.abs(across) < SWIPE_PX || Math.abs(across) < 2 * Math.abs(down)) return;
    perform(across < 0 ? "left" : "right", event.timeStamp);
  });
}
