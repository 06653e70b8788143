// Keys: their actions, their meaning on other keyboard layouts, and rebinding.

import { closest } from "../dom.js";
import { recall, remember } from "../storage.js";

/**
 * @typedef {"two" | "four"} Layout the number of images on the stage
 * @typedef {{ action: string, key: string, label: string }} Binding
 * @typedef {{ name: string, key: string }} ReasonKey
 */

/** Each action with its default key and what the help says of it. */
const ACTIONS = [
  ["left", "ArrowLeft", "the left image is better"],
  ["right", "ArrowRight", "the right image is better"],
  ["tie", "ArrowDown", "a tie, neither is better"],
  ["clear", "ArrowUp", "the last choice was a clear one"],
  ["both_good", "g", "both are good"],
  ["both_bad", "b", "both are bad"],
  ["skip", "s", "skip, you would rather not say"],
  ["undo", "z", "undo what you did last, as often as you like"],
  ["flicker", " ", "hold: swap the two images in place"],
  ["difference", "d", "show where they differ"],
  ["pixels", "1", "pixel for pixel; the wheel zooms both"],
  ["full", "f", "fill the screen"],
  ["four", "4", "four at a time: the best, then the worst; Esc goes back"],
  ["more", "m", "four more of the prompt that is shown"],
  ["prompt", "n", "type the prompt that comes next"],
  ["keep", "k", "keep the winner: it stays, beside one new image"],
  ["place-0", "1", "of four: the first one"],
  ["place-1", "2", "of four: the second one"],
  ["place-2", "3", "of four: the third one"],
  ["place-3", "4", "of four: the fourth one"],
  ["report", "x", "flag: show this pair to nobody"],
  ["help", "?", "open or close this help"],
];
const KEYS_KEY = "palate-keys";
const INPUT_FIELDS = "input, textarea, select, [contenteditable], .cm-editor";
// What Space presses once Tab has reached it.
const PRESSED = "button:focus-visible, summary:focus-visible";
/** @type {Record<string, string>} */
const GLYPHS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };
const RESERVED_KEYS = new Set(["Escape", "Tab", "Enter", "Shift", "Control", "Alt", "Meta"]);
const UNFINISHED_KEYS = ["Dead", "Process", "Unidentified", "Compose"];

// Actions that exist both for two images and for four.
const SHARED_ACTIONS = ["skip", "undo", "help", "more", "prompt"];
const OTHER_LETTERS = /^[\p{L}\p{M}]+$/u;
const DIGIT = /^\p{Nd}$/u;
const LATIN = /\p{Script=Latin}/u;

/**
 * Return the character that a key types; NFKC turns full-width letters and digits into plain ones.
 * @param {KeyboardEvent} event
 */
const typedKey = ({ key }) => (key.length === 1 ? key.normalize("NFKC").toLowerCase() : key);

/**
 * Return the character printed on the key, where the layout does not type it without Shift: the digit
 * on AZERTY, the Latin letter on layouts of other scripts. Null for any other key.
 * @param {KeyboardEvent} event
 */
function printedKey({ key, code = "" }) {
  const [, kind, printed] = /^(Key|Digit|Numpad)([A-Z0-9])$/.exec(code) || [];
  if (kind === "Digit" || (kind === "Numpad" && DIGIT.test(key))) return printed;
  if (kind === "Key" && OTHER_LETTERS.test(key) && !LATIN.test(key)) return printed.toLowerCase();
  return null;
}

/**
 * Return the one name under which a key is stored: the printed character where it differs.
 * @param {KeyboardEvent} event
 */
export const keyName = (event) => printedKey(event) || typedKey(event);

/**
 * Return whether a key types a part of a character, as dead keys, input methods and AltGr do; such a
 * key is no shortcut.
 * @param {KeyboardEvent} event
 */
export function isComposing(event) {
  const unfinished = UNFINISHED_KEYS.includes(event.key) || event.isComposing || event.keyCode === 229;
  return unfinished || Boolean(event.getModifierState?.("AltGraph"));
}

/**
 * Return what is shown for a key.
 * @param {string} key
 */
export const glyphOf = (key) => GLYPHS[key] || (key.length === 1 ? key.toUpperCase() : key);

/** @param {string} action */
const isPlace = (action) => action.startsWith("place-");

/**
 * Return whether two actions may not share a key. A rank in a group of four and an action on a pair
 * may: both are never on the page.
 * @param {string} action
 * @param {string} other
 */
const conflict = (action, other) => action !== other
  && (isPlace(action) === isPlace(other) || SHARED_ACTIONS.includes(action) || SHARED_ACTIONS.includes(other));

/** The keys of one person, kept in the browser. */
export class Keys {
  /** @type {ReasonKey[]} */
  reasons = [];
  /** @type {Record<string, string>} */
  #custom = {};

  constructor() {
    try {
      this.#custom = JSON.parse(recall("localStorage", KEYS_KEY) || "{}");
    } catch {
      // Stored keys that cannot be read fall back to the defaults.
    }
  }

  /**
   * Return the key of an action; none where it is newer than somebody's choice of its key for another.
   * @param {string} action
   * @returns {string}
   */
  of(action) {
    const [, usual] = ACTIONS.filter(([name]) => name === action)[0];
    const chosen = Object.entries(this.#custom);
    const isTaken = chosen.some(([other, key]) => key === usual && conflict(other, action));
    return this.#custom[action] || (isTaken ? "" : usual);
  }

  /**
   * Return every action with its key.
   * @returns {Binding[]}
   */
  all() {
    return ACTIONS.map(([action, , label]) => ({ action, key: this.of(action), label }));
  }

  /** Return whether any key differs from its default. */
  changed() {
    return Object.keys(this.#custom).length > 0;
  }

  /** Go back to the default keys. */
  reset() {
    this.#store({});
  }

  /**
   * Choose the key of an action. Conflicting actions never share a key: the other one takes the key
   * that this one had.
   * @param {string} action
   * @param {string} key
   */
  set(action, key) {
    const other = this.#conflicting(action, key);
    const next = { ...this.#custom, [action]: key };
    if (other) next[other.action] = this.of(action);
    this.#store(next);
  }

  /**
   * Return whether an action may take a key: the action that has it must be able to take the old key
   * in turn.
   * @param {string} key
   * @param {string} action
   */
  isFree(key, action) {
    if (RESERVED_KEYS.has(key) || this.reasons.some((reason) => reason.key === key)) return false;
    const other = this.#conflicting(action, key);
    return !other || !this.all().some((bound) =>
      bound.key === this.of(action) && bound.action !== action && conflict(bound.action, other.action));
  }

  /**
   * Give each reason the first of its letters that is free.
   * @param {string[]} names
   */
  assignReasonKeys(names) {
    const taken = new Set(this.all().map((bound) => bound.key));
    this.reasons = names.map((name) => {
      const letters = [...name.toLowerCase(), ..."abcdefghijklmnopqrstuvwxyz"];
      const key = letters.find((letter) => /[a-z]/.test(letter) && !taken.has(letter)) || "";
      taken.add(key);
      return { name, key };
    });
  }

  /**
   * Return the action that a pressed key means, or null.
   * @param {KeyboardEvent} event
   * @param {Layout} layout
   */
  actionOf(event, layout) {
    if (event.defaultPrevented || event.repeat || isComposing(event)) return null;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (closest(event, INPUT_FIELDS)) return null;
    // A question over the page has its own keys; those over the stage share its keys.
    if (closest(event, "[role=dialog]") && !closest(event, ".stage")) return null;

    const typed = typedKey(event);
    if (typed === "Escape") return "close";
    // With Shift only digits and signs count (digits on AZERTY); a capital letter is no shortcut.
    if (event.shiftKey && !/^[^\p{L}\s]$/u.test(typed)) return null;
    if (typed === " " && event.target instanceof Element && event.target.matches(PRESSED)) return null;

    const action = this.#meaning(typed, layout);
    const printed = event.shiftKey ? null : printedKey(event);
    return action || (printed ? this.#meaning(printed, layout) : null);
  }

  /**
   * Return whether a key is that of an action.
   * @param {KeyboardEvent} event
   * @param {string} action
   */
  isOf(event, action) {
    return [typedKey(event), printedKey(event)].includes(this.of(action));
  }

  /**
   * @param {string} name
   * @param {Layout} layout
   */
  #meaning(name, layout) {
    // With four images a rank goes before any other meaning of a key.
    const places = this.all().filter(({ action }) => isPlace(action));
    const others = this.all().filter(({ action }) => !isPlace(action));
    const known = [...(layout === "four" ? places : []), ...others].find(({ key }) => key === name);
    if (known) return known.action;
    const reason = this.reasons.findIndex((item) => item.key === name);
    return reason < 0 ? null : `reason-${reason}`;
  }

  /**
   * @param {string} action
   * @param {string} key
   */
  #conflicting(action, key) {
    return this.all().find((bound) => bound.key === key && conflict(bound.action, action));
  }

  /** @param {Record<string, string>} custom */
  #store(custom) {
    this.#custom = custom;
    remember("localStorage", KEYS_KEY, JSON.stringify(custom));
  }
}
