import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Purpose } from "../../annotate/web/static/stage/purpose.js";
import { fire } from "./helpers/dom.js";
import { openStage } from "./helpers/stage_page.js";

const TEXT = "Portraits for a game. Choose warm ones.";
let element;
let purpose;

beforeEach(() => {
  element = openStage();
  purpose = new Purpose(element);
});

const line = () => element.querySelector(".purpose");
const help = () => element.querySelector(".help-purpose");

test("what the project is for is the first line of the stage, and in the help", () => {
  purpose.show(TEXT);
  assert.equal(element.querySelector(".stage").children[0], line());
  assert.equal(line().querySelector("span").textContent, TEXT);
  assert.deepEqual([help().textContent, help().hidden], [TEXT, false]);
  purpose.show(TEXT);
  assert.equal(element.querySelectorAll(".purpose").length, 1);
});

test("a project of which nothing is said shows nothing", () => {
  purpose.show("");
  assert.deepEqual([line(), help().hidden], [null, true]);
  purpose.show(TEXT);
  purpose.show("");
  assert.deepEqual([line(), help().hidden], [null, true]);
});

test("whoever has read it sees it again only in the help, until it changes", () => {
  purpose.show(TEXT);
  fire(line().querySelector("button"), "click");
  assert.equal(line(), null);
  const again = new Purpose(element);
  again.show(TEXT);
  assert.deepEqual([line(), help().textContent], [null, TEXT]);
  again.show("Landscapes.");
  assert.equal(line().querySelector("span").textContent, "Landscapes.");
});
