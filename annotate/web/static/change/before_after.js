// Two images in one place with a slider between them: by pointer, touch and keyboard.

import { closest, find } from "../dom.js";

const SLIDER = ".before-after";

/**
 * Let every slider below an element be moved, also those that come later.
 * @param {HTMLElement} root
 */
export function listenToSliders(root) {
  /**
   * The slider that is dragged.
   * @type {HTMLElement | null}
   */
  let dragged = null;

  // The keyboard moves the range itself, which lies over the images and cannot be seen.
  root.addEventListener("input", ({ target }) => {
    const slider = target instanceof HTMLInputElement && /** @type {HTMLElement | null} */ (target.closest(SLIDER));
    if (slider) show(slider, Number(target.value));
  });
  root.addEventListener("pointerdown", (event) => {
    dragged = event.button ? null : closest(event, SLIDER);
    if (!dragged) return;
    dragged.setPointerCapture(event.pointerId);
    show(dragged, percentAt(dragged, event));
  });
  root.addEventListener("pointermove", (event) => {
    if (dragged) show(dragged, percentAt(dragged, event));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    root.addEventListener(end, () => { dragged = null; });
  }
}

/**
 * Move a slider: so many percent of the image before are shown.
 * @param {HTMLElement} slider
 * @param {number} percent
 */
function show(slider, percent) {
  const shown = Math.min(100, Math.max(0, percent));
  slider.style.setProperty("--split", `${shown}%`);
  /** @type {HTMLInputElement} */ (find(slider, "input")).value = String(Math.round(shown));
}

/**
 * @param {HTMLElement} slider
 * @param {PointerEvent} event
 */
function percentAt(slider, event) {
  const box = slider.getBoundingClientRect();
  return (100 * (event.clientX - box.left)) / box.width;
}
