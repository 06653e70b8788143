// Buttons of the disk section: each previews the clean-up of one kind of file.

import { closest } from "./dom.js";

/**
 * Start the table.
 * @param {import("./types").Component} component
 */
export function start({ element, trigger }) {
  element.addEventListener("click", (event) => {
    const button = closest(event, "[data-kind]");
    if (button) trigger("select", { kind: button.dataset.kind });
  });
}
