// The people section: the buttons of the table, and the card with a link to pass on.

import { closest, find } from "./dom.js";

/** @typedef {import("./types").Component} Component */

/**
 * Start the table of people.
 * @param {Component} component
 */
export function startTable({ element, trigger }) {
  element.addEventListener("click", (event) => {
    const button = closest(event, "[data-person]");
    if (button) trigger("select", { person: button.dataset.person, action: button.dataset.action });
  });
}

/**
 * Start the card with a link, whose button copies it.
 * @param {Component} component
 */
export function startLink({ element }) {
  element.addEventListener("click", async (event) => {
    const button = closest(event, "[data-copy]");
    if (!button) return;
    const link = /** @type {HTMLInputElement} */ (find(element, "input"));
    link.select();
    try {
      await navigator.clipboard.writeText(link.value);
      button.textContent = "Copied";
    } catch {
      document.execCommand("copy");
    }
  });
}
