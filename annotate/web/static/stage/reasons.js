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
  /** @type {{ key: string, pressed: Set<string>, side: number } | null} */
  #last = null;
  /** @type {string[]} */
  #names = [];
  /** @type {HTMLImageElement[]} */
  #images = [];
  #strip;
  #row;
  #about;
  /**
   * Made for the first vote.
   * @type {HTMLImageElement[]}
   */
  #thumbnails = [];
  #keys;
  #send;

  /**
   * @param {HTMLElement} element
   * @param {Keys} keys
   * @param {(remark: Remark) => void} send
   */
  constructor(element, keys, send) {
    this.#strip = find(element, ".annotations");
    this.#row = find(this.#strip, ".chips");
    this.#about = find(this.#strip, ".about");
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
      ...(reasons.length ? ["Why not the other one?", ...reasons] : []),
    );
    this.show();
  }

  /**
   * Set the vote that annotations are about; only left and right votes have any.
   * @param {ItemEvent | null} event
   * @param {HTMLImageElement[] | null} images those that were voted on
   */
  setVote(event, images = null) {
    const side = event && event.kind === "vote" ? CHOICES.indexOf(event.verdict) : -1;
    this.#last = event && side >= 0 ? { key: event.key, pressed: new Set(), side } : null;
    this.#images = images || [];
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

  /** Show the vote's images, and which annotations it has. */
  show() {
    const last = this.#last;
    this.#strip.toggleAttribute("data-idle", !last);
    if (last) this.#showImages(last.side);
    else this.open(false);
    for (const button of findAll(this.#row, "button")) {
      Object.assign(button, { disabled: !this.#last });
      const name = this.#nameOf(button.dataset.action || "");
      button.setAttribute("aria-pressed", String(Boolean(name !== undefined && this.#last?.pressed.has(name))));
    }
  }

  /** @param {number} side the chosen one */
  #showImages(side) {
    if (!this.#thumbnails.length) {
      this.#thumbnails = CHOICES.map(() => createElement("img", { alt: "" }));
      this.#about.append(...this.#thumbnails);
    }
    this.#thumbnails.forEach((thumbnail, place) => {
      // The same files, which the browser has in its memory.
      const src = this.#images[place]?.src || "";
      if (thumbnail.src !== src) thumbnail.src = src;
      thumbnail.toggleAttribute("data-chosen", place === side);
    });
  }

  /**
   * Open or close what a phone shows on demand only.
   * @param {boolean} [open]
   */
  open(open = !this.#strip.hasAttribute("data-open")) {
    this.#strip.toggleAttribute("data-open", open);
    find(this.#strip, ".why").setAttribute("aria-expanded", String(open));
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
