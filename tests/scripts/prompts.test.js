import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { announce, PromptList } from "../../annotate/web/static/prompts.js";
import { fire, openPage } from "./helpers/dom.js";

const HTML = readFileSync(new URL("../../annotate/web/static/prompts.html", import.meta.url), "utf-8");
const row = (number, text) => `<li data-prompt="${number}"><input type="checkbox" data-choose="${number}">`
  + `<div class="prompt-words"><span class="prompt-text">${text}</span></div><div class="prompt-acts">`
  + '<select data-weight></select><button data-act="edit">Edit</button>'
  + '<button data-act="remove">Remove</button></div></li>';
const ROWS = `<ul>${row(7, "a cat")}${row(8, "a dog")}</ul><nav><button data-page="1">Next</button></nav>`;

let element;
let asked;
let answer;
const settled = () => new Promise((resolve) => setTimeout(resolve, 0));
const click = async (selector) => {
  fire(element.querySelector(selector), "click");
  await settled();
};

beforeEach(async () => {
  element = openPage(HTML);
  asked = [];
  answer = { ok: true, rows: ROWS, options: '<input type="checkbox" data-option="labelers">', in_use: 2, removed: 1, page: 1, message: "Done." };
  globalThis.IntersectionObserver = class {
    constructor(seen) {
      this.observe = () => seen([{ isIntersecting: true }]);
    }
  };
  new PromptList(element, async (request) => {
    asked.push(request);
    return answer;
  }).listen();
  await settled();
});

test("the list loads when it comes into view, and again when prompts were added elsewhere", async () => {
  assert.deepEqual(asked, [{ search: "", page: 1, removed: false }]);
  assert.equal(element.querySelector("[data-removed=false]").textContent, "In use (2)");
  announce();
  await settled();
  assert.equal(asked.length, 2);
});

test("other pages and removed prompts are asked for", async () => {
  await click("[data-page]");
  assert.equal(asked.at(-1).page, 2);
  await click("[data-removed=true]");
  assert.deepEqual(asked.at(-1), { search: "", page: 1, removed: true });
});

test("a prompt is removed, and what came of it is said", async () => {
  await click("[data-act=remove]");
  assert.deepEqual(asked.at(-1).change, { action: "remove", prompts: [7] });
  assert.equal(element.querySelector(".prompt-message").textContent, "Done. Undo");
  await click(".prompt-message button");
  assert.deepEqual(asked.at(-1).change, { action: "restore", prompts: [7] });
  assert.equal(element.querySelector(".prompt-message").textContent, "Done.");
});

test("several are chosen and changed at once", async () => {
  for (const box of element.querySelectorAll("[data-choose]")) {
    box.checked = true;
    fire(box, "change");
  }
  assert.equal(element.querySelector(".prompt-chosen").hidden, false);
  await click("[data-all=remove]");
  assert.deepEqual(asked.at(-1).change, { action: "remove", prompts: [7, 8] });
  assert.equal(element.querySelector(".prompt-chosen").hidden, true);
});

test("a prompt is edited in its place and saved as one line", async () => {
  await click("[data-act=edit]");
  const field = element.querySelector("textarea");
  assert.equal(field.value, "a cat");
  field.value = "a red\n cat";
  await click("[data-act=save]");
  assert.deepEqual(asked.at(-1).change, { action: "edit", prompts: [7], value: "a red cat" });
});

test("a weight is a number, and an error is shown", async () => {
  answer = { ok: false, error: "That is no weight." };
  const weight = element.querySelector("[data-weight]");
  weight.value = "2";
  fire(weight, "change");
  await settled();
  assert.deepEqual(asked.at(-1).change, { action: "weight", prompts: [7], value: 2 });
  assert.equal(element.querySelector(".prompt-message").textContent, "That is no weight.");
});

test("whether labelers may add prompts is a choice of the project", async () => {
  const box = element.querySelector("[data-option]");
  box.checked = true;
  fire(box, "change");
  await settled();
  assert.deepEqual(asked.at(-1).change, { action: "labelers", value: true });
});
