// The menu of tools: opened by its button, closed by a choice, a press elsewhere, or Esc.

import { closest, find, findAll, PHONE } from "../dom.js";

export class ToolsMenu {
  #button;
  #menu;
  #stage;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#stage = find(element, ".stage");
    this.#button = find(element, ".tools-button");
    this.#menu = find(element, ".tools-menu");
    this.#menu.addEventListener("click", (event) => {
      if (closest(event, "[data-action]")) this.close();
    });
    this.#menu.addEventListener("keydown", (event) => this.#onKey(event));
    element.addEventListener("focusout", (event) => this.#onFocusOut(event));
    this.#listenOutside(element);
    this.#placeName(element);
  }

  get open() {
    return !this.#menu.hidden;
  }

  toggle() {
    if (this.open) return this.close();
    this.#show(true);
    return find(this.#menu, ".tool").focus({ preventScroll: true });
  }

  close() {
    if (!this.open) return;
    this.#show(false);
    this.#stage.focus({ preventScroll: true });
  }

  /** @param {boolean} open */
  #show(open) {
    this.#menu.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
  }

  /**
   * Move between the tools; below the menu an arrow would vote.
   * @param {KeyboardEvent} event
   */
  #onKey(event) {
    const { key, target } = event;
    if (!key.startsWith("Arrow") || (target instanceof Element && target.matches("input"))) return;
    event.preventDefault();
    const shown = findAll(this.#menu, ".tool").filter((tool) => tool.offsetParent !== null);
    const place = shown.findIndex((tool) => tool === target);
    const step = { ArrowDown: 1, ArrowUp: -1 }[key] || 0;
    shown[(place + step + shown.length) % shown.length]?.focus({ preventScroll: true });
  }

  /** @param {FocusEvent} event */
  #onFocusOut({ target, relatedTarget: next }) {
    const inside = target instanceof Node && this.#menu.contains(target);
    if (!inside || !(next instanceof Node) || this.#menu.contains(next) || next === this.#button) return;
    this.#show(false);
  }

  /** @param {HTMLElement} element */
  #listenOutside(element) {
    /** @param {Event} event */
    const onPress = ({ target }) => {
      if (!element.isConnected) document.removeEventListener("pointerdown", onPress);
      const inside = target instanceof Node && (this.#menu.contains(target) || this.#button.contains(target));
      if (this.open && !inside) this.#show(false);
    };
    document.addEventListener("pointerdown", onPress);
  }

  /**
   * Put the annotator's name where there is room for it: in the bar, on a phone into the menu.
   * @param {HTMLElement} element
   */
  #placeName(element) {
    const phone = matchMedia(PHONE);
    const [name, facts] = [find(element, ".who"), find(element, ".facts")];
    const place = () => {
      if (phone.matches) this.#menu.append(name);
      else facts.insertBefore(name, this.#button);
    };
    if (phone.matches) place();
    phone.addEventListener?.("change", place);
  }
}
