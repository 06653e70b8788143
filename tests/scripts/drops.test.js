import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { Drops } from "../../annotate/web/static/drops.js";
import { settle } from "./helpers/clock.js";
import { fire, openPage } from "./helpers/dom.js";

const HTML = readFileSync(new URL("../../annotate/web/static/drops.html", import.meta.url), "utf-8");
const text = (name, content) => ({ name, size: content.length, text: async () => content });
const dropOf = (...files) => ({ types: ["Files"], items: [], files });

let element;
let asked;
let drops;

beforeEach(() => {
  element = openPage(`<div>${HTML}</div>`);
  asked = [];
  drops = new Drops(element, {
    project_prompts: async (request) => {
      asked.push(request);
      return { ok: true, message: "2 added, 5 in all." };
    },
  });
  globalThis.window.addEventListener ??= () => {};
  drops.listen();
});

test("an image of the page itself is dragged without being imported", () => {
  const over = () => fire(window, "dragover", { dataTransfer: dropOf() }).defaultPrevented;
  fire(window, "dragstart");
  assert.deepEqual([over(), element.querySelector(".drop-cover").hidden], [false, true]);
  fire(window, "dragend");
  assert.deepEqual([over(), element.querySelector(".drop-cover").hidden], [true, false]);
});

const title = () => element.querySelector(".drop-title").textContent;

test("the prompts of a text file are added once a person says so", async () => {
  await drops.take(dropOf(text("moods.txt", "a cat\na dog")));
  assert.equal(title(), "Add 2 prompts from moods.txt?");
  assert.deepEqual(element.querySelectorAll("li").map((line) => line.textContent), ["a cat", "a dog"]);
  assert.equal(asked.length, 0);
  fire(element.querySelector("[data-drop=add]"), "click");
  await settle();
  assert.deepEqual(asked[0].change, { action: "add", value: "a cat\na dog" });
  assert.equal(title(), "2 added, 5 in all.");
});

test("what cannot be used is named, with what can", async () => {
  await drops.take(dropOf({ name: "film.mp4", size: 1 }, { name: "b.mov", size: 1 }));
  assert.match(title(), /^film\.mp4 and 1 more cannot be used\. Drop images/);
  assert.equal(element.querySelector("[data-drop=add]").hidden, true);
  fire(element.querySelector("[data-drop=close]"), "click");
  assert.equal(element.querySelector(".drop-card").hidden, true);
});

test("more than can be sent at once is refused before it is sent", async () => {
  await drops.take(dropOf({ name: "a.png", size: 5 * 2 ** 30 }));
  assert.match(title(), /^That is 5\.0 GB, and 4 GB can be sent at once/);
});

test("labelers are told that admins add images and prompts", async () => {
  await new Drops(element, {}).take(dropOf(text("moods.txt", "a cat")));
  assert.equal(title(), "Only admins add images and prompts here.");
});
