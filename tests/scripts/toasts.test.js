import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { createElement } from "../../annotate/web/static/dom.js";
import { plainHeaders, start } from "../../annotate/web/static/toasts.js";
import { openPage } from "./helpers/dom.js";

beforeEach(() => openPage());

/** A message as Gradio shows it. */
function message() {
  const header = createElement("div", { className: "toast-header" }, createElement("button"));
  for (const [name, value] of [["role", "button"], ["tabindex", "0"]]) header.setAttribute(name, value);
  return [createElement("div", { className: "toast-item" }, header), header];
}

test("a header with a button in it is no button itself", () => {
  const [item, header] = message();
  plainHeaders(item);
  assert.deepEqual([header.hasAttribute("role"), header.hasAttribute("tabindex")], [false, false]);
  assert.equal(header.children.length, 1);
});

test("only messages are looked at as they come", () => {
  let told;
  globalThis.MutationObserver = class {
    constructor(callback) { told = callback; }
    observe() {}
  };
  start();
  const [item, header] = message();
  const [other, untouched] = message();
  other.className = "pair";
  told([{ addedNodes: [other, item] }]);
  assert.equal(header.hasAttribute("role"), false);
  assert.equal(untouched.hasAttribute("role"), true);
  delete globalThis.MutationObserver;
});
