// Input of the comparison board: keys, the slider, holding to swap, and clicks.

import { closest, find, findAll } from "../dom.js";
import { MODES } from "./board_parts.js";
import { saveImages } from "./contact_sheet.js";

/**
 * @typedef {import("./board.js").Board} Board
 * @typedef {(frame: HTMLElement, event: PointerEvent) => boolean} Claim
 */

const INPUT_FIELDS = "input:not([type=range]), textarea, select, [contenteditable]";
// So near to the handle of the slider a press drags it, even in a zoomed image.
const HANDLE_PX = 24;

/**
 * Listen for as long as the board is on the page; return what takes a press on a frame before the
 * zoom does.
 * @param {Board} board
 * @returns {Claim}
 */
export function listenToBoard(board) {
  listenToKeys(board);
  listenToClicks(board);
  return listenToPresses(board);
}

/** @param {Board} board */
function listenToKeys(board) {
  const { root } = board;
  document.addEventListener("keydown", (event) => {
    if (!root.isConnected || !root.offsetParent || !board.data) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (closest(event, INPUT_FIELDS)) return;
    if (perform(board, event)) event.preventDefault();
  });
  document.addEventListener("keyup", (event) => {
    if (event.key !== " " || !root.hasAttribute("data-swapped")) return;
    board.swap(false);
    event.preventDefault();
  });
}

/**
 * Do what a key means; return whether it means anything.
 * @param {Board} board
 * @param {KeyboardEvent} event
 */
function perform(board, { key, repeat }) {
  const { root, zoom } = board;
  const mode = Object.entries(MODES).find(([, [, shortcut]]) => shortcut === key.toLowerCase())?.[0];
  const frame = key === "1" && shownFrame(root);
  if (key === " " && board.mode === "flicker") board.swap(true);
  else if (key === "Escape" && zoom.at.zoom !== 1) zoom.reset();
  else if (frame) zoom.exact(frame, /** @type {HTMLImageElement} */ (find(frame, "img")));
  else if (mode && !repeat) board.setMode(mode);
  else return false;
  return true;
}

/**
 * Return a frame whose image can be seen.
 * @param {HTMLElement} root
 */
const shownFrame = (root) => findAll(root, ".frame").find((frame) =>
  frame.offsetParent && frame.querySelector("img")?.naturalWidth);

/** @param {Board} board */
function listenToClicks(board) {
  const { root, parts } = board;
  root.addEventListener("input", ({ target }) => {
    if (target instanceof HTMLInputElement && target.type === "range") board.setSplit(Number(target.value));
  });
  parts.modes.addEventListener("click", (event) => board.setMode(closest(event, "[data-mode]")?.dataset.mode));
  parts.hold.addEventListener("pointerdown", () => board.swap(true));
  parts.zoom.addEventListener("click", () => board.zoom.reset());

  parts.cards.addEventListener("click", (event) => {
    const save = closest(event, "[data-save]");
    if (save && board.data) {
      saveImages(board.figure(Number(save.dataset.save)), board.data);
      return;
    }
    const chosen = board.mode === "grid" && closest(event, "figure");
    if (!chosen) return;
    board.setMode("side");
    chosen.scrollIntoView({ block: "center" });
  });
}

/**
 * @param {Board} board
 * @returns {Claim}
 */
function listenToPresses(board) {
  const { root } = board;
  /**
   * The frame whose slider is dragged.
   * @type {HTMLElement | null}
   */
  let dragged = null;
  /** @param {HTMLElement} frame @param {PointerEvent} event */
  const splitAt = (frame, event) => {
    const box = frame.getBoundingClientRect();
    return (100 * (event.clientX - box.left)) / box.width;
  };
  const release = () => {
    board.swap(false);
    dragged = null;
  };

  window.addEventListener("blur", () => board.swap(false));
  document.addEventListener("pointerup", release);
  document.addEventListener("pointercancel", release);
  root.addEventListener("pointermove", (event) => {
    if (dragged) board.setSplit(splitAt(dragged, event));
  });
  // A long touch that swaps opens no menu.
  root.addEventListener("contextmenu", (event) => {
    if (root.hasAttribute("data-swapped")) event.preventDefault();
  });

  return (frame, event) => {
    const zoomed = board.zoom.at.zoom;
    if (board.mode === "flicker" && zoomed === 1) {
      board.swap(true);
      return true;
    }
    if (board.mode !== "slider") return false;
    const near = Math.abs(splitAt(frame, event) - board.split) < (100 * HANDLE_PX) / frame.clientWidth;
    if (zoomed > 1 && !near) return false;
    dragged = frame;
    frame.setPointerCapture(event.pointerId);
    board.setSplit(splitAt(frame, event));
    return true;
  };
}
