// Annotations of the last vote: that it was clear, and the reasons why the other image lost.

import { createElement, find, findAll } from "../dom.js";
import { glyphOf } from "./keys.js";

/**
 * @typedef {import("../types").Remark} Remark
 * @typedef {import("../types").ItemEvent} ItemEvent
 * @typedef {import("./keys.js").Keys} Keys
 */

const CHOICES = ["left", "right"];
// The strength of a choice that was a clear one.
const CLEAR = "2";

export class Annotations {
  /** @type {{ key: string, pressed: Set<string> } | null} */
  #last = null;
  /** @type {string[]} */
  #names = [];
  #row;
  #keys;
  #send;

  /**
   * @param {HTMLElement} element
   * @param {Keys} keys
   * @param {(remark: Remark) => void} send
   */
  constructor(element, keys, send) {
    this.#row = find(element, ".annotations");
    this.#keys = keys;
    this.#send = send;
  }

  /**
   * Set the reasons of the project and assign their keys.
   * @param {string[]} reasons
   */
  setReasons(reasons) {
    if (this.#names.join("\n") === reasons.join("\n") && this.#row.children.length) return;
    this.#names = reasons;
    this.redraw();
  }

  /** Show the reasons with the present keys. */
  redraw() {
    this.#keys.assignReasonKeys(this.#names);
    const reasons = this.#keys.reasons.map(({ key, name }, i) => chip(`reason-${i}`, key, name));
    this.#row.replaceChildren(
      chip("clear", this.#keys.of("clear"), "Clearly better"),
      ...(reasons.length ? ["The other one:", ...reasons] : []),
    );
    this.show();
  }

  /**
   * Set the vote that annotations are about; only left and right votes have any.
   * @param {ItemEvent | null} event
   */
  setVote(event) {
    const chosen = event && event.kind === "vote" && CHOICES.includes(event.verdict);
    this.#last = chosen ? { key: event.key, pressed: new Set() } : null;
  }

  /**
   * Forget a vote that was refused.
   * @param {string} key
   */
  forget(key) {
    if (this.#last?.key !== key) return;
    this.setVote(null);
    this.show();
  }

  /** Show which annotations the vote has. */
  show() {
    this.#row.toggleAttribute("data-idle", !this.#last);
    for (const button of findAll(this.#row, "button")) {
      Object.assign(button, { disabled: !this.#last });
      const name = this.#nameOf(button.dataset.action || "");
      button.setAttribute("aria-pressed", String(Boolean(name !== undefined && this.#last?.pressed.has(name))));
    }
  }

  /**
   * Add an annotation to the vote, or take it away.
   * @param {string} action
   */
  toggle(action) {
    const name = this.#nameOf(action);
    if (!this.#last || name === undefined) return;
    const { key, pressed } = this.#last;
    const on = !pressed.delete(name);
    if (on) pressed.add(name);

    if (action === "clear") this.#send({ of: key, remark: "strength", name, value: on ? CLEAR : "" });
    else this.#send({ of: key, remark: "reason", name, value: on ? "on" : "" });
    this.show();
  }

  /**
   * Undo an annotation: its earlier value counts again.
   * @param {string} of
   * @param {string} name
   */
  takeBack(of, name) {
    if (this.#last?.key !== of) return;
    if (!this.#last.pressed.delete(name)) this.#last.pressed.add(name);
    this.show();
  }

  /**
   * Return the name that the server knows an annotation by.
   * @param {string} action
   */
  #nameOf(action) {
    return action === "clear" ? "" : this.#keys.reasons[Number(action.slice("reason-".length))]?.name;
  }
}

/**
 * @param {string} action
 * @param {string} key
 * @param {string} text
 */
function chip(action, key, text) {
  const shown = key ? [createElement("kbd", { textContent: glyphOf(key) })] : [];
  return createElement("button", { type: "button", className: "chip", "data-action": action }, ...shown, text);
}
