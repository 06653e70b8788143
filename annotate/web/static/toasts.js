// Gradio's messages in the corner: a button lies in a header that is a button as well, so that screen
// readers know neither. The header only folds the message, which nobody needs to do.

import { findAll } from "./dom.js";

const MESSAGE = ["toast-wrap", "toast-item"];

/** Let headers of messages to come be no buttons. */
export function start() {
  new MutationObserver((changes) => {
    for (const { addedNodes } of changes) {
      for (const node of addedNodes) {
        // By class alone, since every vote adds other elements.
        if (node instanceof Element && MESSAGE.some((name) => node.classList.contains(name))) plainHeaders(node);
      }
    }
  }).observe(document.documentElement, { childList: true, subtree: true });
}

/**
 * Let the headers of messages be no buttons.
 * @param {ParentNode} root
 */
export function plainHeaders(root) {
  for (const header of findAll(root, ".toast-header")) {
    for (const name of ["role", "tabindex"]) header.toggleAttribute(name, false);
  }
}
