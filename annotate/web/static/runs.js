// The history of runs: a click on a row, or its button, opens the run or closes it.

import { closest, findAll } from "./dom.js";

const MOST_FRAMES = 60;

/**
 * Show the run that a button elsewhere on the page has opened, and put the keyboard there.
 * @param {number} [frames] that it may still take until the run is on the page
 */
export function showOpened(frames = MOST_FRAMES) {
  const panel = document.getElementById("run-panel");
  if (!panel?.offsetParent) {
    if (frames > 0) requestAnimationFrame(() => showOpened(frames - 1));
    return;
  }
  panel.scrollIntoView({ block: "start" });
  document.getElementById("close-run")?.focus({ preventScroll: true });
}

/**
 * Start the table.
 * @param {import("./types").Component} component
 */
export function start({ element, trigger, watch }) {
  let focused = "";

  element.addEventListener("click", (event) => {
    const row = closest(event, "tr");
    const button = row ? findAll(row, "[data-run]")[0] : undefined;
    if (!button) return;
    focused = button.dataset.run ?? "";
    trigger("select", { run: focused });
  });

  // The table is rendered again for the run that is open, and its button keeps the focus.
  watch("value", () => {
    requestAnimationFrame(() => {
      if (!focused || document.activeElement !== document.body) return;
      findAll(element, `[data-run="${CSS.escape(focused)}"]`)[0]?.focus();
      focused = "";
    });
  });
}
