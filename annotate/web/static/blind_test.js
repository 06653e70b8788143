// Buttons of the blind-test cards: "vote" opens the Label tab, the others go to the server.

import { closest } from "./dom.js";

/**
 * Start the cards.
 * @param {import("./types").Component} component
 */
export function start({ element, trigger }) {
  element.addEventListener("click", (event) => {
    const { action, trial } = closest(event, "button[data-action]")?.dataset || {};
    if (action === "vote") document.dispatchEvent(new CustomEvent("palate-trial", { detail: trial }));
    else if (action) trigger("select", { action, trial });
  });
}
