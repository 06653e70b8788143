// Links that lead to a section of a long tab: seen once the keyboard has reached them.

import { closest } from "./dom.js";

/**
 * Start the links.
 * @param {import("./types").Component} component
 */
export function start({ element }) {
  element.addEventListener("click", (event) => {
    const link = closest(event, "a[href^='#']");
    const section = link && document.getElementById((link.getAttribute("href") ?? "").slice(1));
    if (!section) return;
    // The address stays as it is, since a comparison may be in it.
    event.preventDefault();
    section.tabIndex = -1;
    section.focus({ preventScroll: true });
    section.scrollIntoView({ block: "start" });
  });
}
