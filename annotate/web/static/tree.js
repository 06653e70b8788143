// The tree of versions: a click or Enter selects one, arrow keys move the focus.

import { closest, findAll } from "./dom.js";

const LEAF = "[data-version]";

/**
 * Start the tree.
 * @param {import("./types").Component} component
 */
export function start({ element, trigger, watch }) {
  let focused = "";

  element.addEventListener("click", (event) => {
    const version = closest(event, LEAF)?.dataset.version;
    if (!version) return;
    focused = version;
    trigger("select", { version });
  });

  element.addEventListener("keydown", (event) => {
    const leaves = findAll(element, LEAF);
    const leaf = leafAfter(leaves, event.key);
    if (!leaf) return;
    event.preventDefault();
    leaf.focus();
  });

  element.addEventListener("focusin", (event) => {
    focused = closest(event, LEAF)?.dataset.version ?? "";
  });
  element.addEventListener("focusout", ({ target }) => {
    // A leaf that is rendered again loses the focus too, but is no longer in the page by then.
    setTimeout(() => {
      if (target instanceof Node && target.isConnected && !element.contains(document.activeElement)) focused = "";
    });
  });

  // Restores the focus after the tree is rendered again, by a selection or for a new version.
  watch("value", () => {
    requestAnimationFrame(() => {
      if (!focused || document.activeElement !== document.body) return;
      findAll(element, `[data-version="${CSS.escape(focused)}"]`)[0]?.focus();
    });
  });
}

/**
 * Return the leaf that a key leads to from the one that has the focus.
 * @param {HTMLElement[]} leaves
 * @param {string} key
 */
function leafAfter(leaves, key) {
  const at = leaves.findIndex((leaf) => leaf === document.activeElement);
  if (at < 0) return undefined;
  const last = leaves.length - 1;
  /** @type {Record<string, number>} */
  const to = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last };
  return leaves[to[key]];
}
