// Buttons of the list of models: each chooses one to be looked up and opened.

import { closest } from "./dom.js";

/**
 * Start the list.
 * @param {import("./types").Component} component
 */
export function start({ element, trigger }) {
  element.addEventListener("click", (event) => {
    const button = closest(event, "[data-model]");
    if (button) trigger("select", { model: button.dataset.model });
  });
}
