import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { start as startBlindTests } from "../../annotate/web/static/blind_test.js";
import { start as startDisk } from "../../annotate/web/static/disk.js";
import { start as startModels } from "../../annotate/web/static/models.js";
import { start as startOwnVotes } from "../../annotate/web/static/own_votes.js";
import { startLink, startTable } from "../../annotate/web/static/people.js";
import { start as startTree } from "../../annotate/web/static/tree.js";
import { settle, stopClock } from "./helpers/clock.js";
import { fire, openPage, press } from "./helpers/dom.js";

let clock;
let triggered;
let watched;
let component;

beforeEach(() => {
  clock = stopClock();
  [triggered, watched] = [[], []];
});

function page(html) {
  const element = openPage(`<div>${html}</div>`);
  component = {
    element,
    trigger: (event, data) => triggered.push([event, data]),
    watch: (_, callback) => watched.push(callback),
  };
  return (selector) => element.querySelector(selector);
}

// ---- blind tests, people and the disk: buttons ------------------------------------------------
test("a blind test's vote opens the Label tab, and its other buttons go to the server", () => {
  const at = page('<p>v1</p><button data-action="vote" data-trial="t1"></button><button data-action="end" data-trial="t2"><b>End</b></button>');
  const trials = [];
  document.addEventListener("palate-trial", (event) => trials.push(event.detail));
  startBlindTests(component);
  fire(at('[data-action="vote"]'), "click");
  fire(at("b"), "click");
  fire(at("p"), "click");
  assert.deepEqual(trials, ["t1"]);
  assert.deepEqual(triggered, [["select", { action: "end", trial: "t2" }]]);
});

test("a clean-up is previewed for the kind of its button", () => {
  const at = page('<button data-kind="sheets">Clean up</button><p></p>');
  startDisk(component);
  fire(at("button"), "click");
  fire(at("p"), "click");
  assert.deepEqual(triggered, [["select", { kind: "sheets" }]]);
});

test("a model's button names the model that is to be opened", () => {
  const at = page('<button data-model="mine.safetensors"><b>Open</b></button><p></p>');
  startModels(component);
  fire(at("b"), "click");
  fire(at("p"), "click");
  assert.deepEqual(triggered, [["select", { model: "mine.safetensors" }]]);
});

test("a person's button names the person and what to do", () => {
  const at = page('<button data-person="ada" data-action="link">New link</button><p></p>');
  startTable(component);
  fire(at("button"), "click");
  fire(at("p"), "click");
  assert.deepEqual(triggered, [["select", { person: "ada", action: "link" }]]);
});

test("a link is copied, also where the browser has no clipboard", async () => {
  const at = page('<input value="http://palate.test/welcome?token=x"><button data-copy>Copy</button>');
  const commands = [];
  document.execCommand = (command) => commands.push(command);
  startLink(component);
  fire(at("button"), "click");
  await settle();
  assert.deepEqual([navigator.clipboard.text, at("button").textContent], ["http://palate.test/welcome?token=x", "Copied"]);
  navigator.clipboard.writeText = async () => { throw new Error("not over http"); };
  fire(at("button"), "click");
  await settle();
  assert.deepEqual([commands, at("input").calls], [["copy"], ["select", "select"]]);
});

// ---- the tree of versions -------------------------------------------------------------------
const LEAVES = '<ul><li data-version="base">base</li><li data-version="v1">v1</li><li data-version="v2">v2</li></ul>';

test("a click selects a version", () => {
  const at = page(LEAVES);
  startTree(component);
  fire(at('[data-version="v1"]'), "click");
  fire(at("ul"), "click");
  assert.deepEqual(triggered, [["select", { version: "v1" }]]);
});

test("arrow keys move the focus, and stop at both ends", () => {
  const at = page(LEAVES);
  startTree(component);
  at('[data-version="base"]').focus();
  const ways = ["ArrowDown", "ArrowDown", "ArrowDown", "Home", "ArrowUp", "End"].map((key) => {
    const event = press(key);
    return [document.activeElement.dataset.version, event.defaultPrevented];
  });
  assert.deepEqual(ways, [["v1", true], ["v2", true], ["v2", true], ["base", true], ["base", true], ["v2", true]]);
  assert.equal(press("x").defaultPrevented, false);
});

test("the focus is there again after the tree is rendered anew", async () => {
  const at = page(LEAVES);
  startTree(component);
  at('[data-version="v1"]').focus();
  component.element.innerHTML = LEAVES;
  document.activeElement = document.body;
  watched[0]();
  await clock.tick(0);
  assert.equal(document.activeElement, at('[data-version="v1"]'));
  const other = document.createElement("input");
  document.body.append(other);
  document.activeElement = other;
  fire(at('[data-version="v1"]'), "focusout");
  await clock.tick(0);
  document.activeElement = document.body;
  watched[0]();
  await clock.tick(0);
  assert.equal(document.activeElement, document.body, "a person who has left the tree is not pulled back");
});

// ---- the labeler's own votes ------------------------------------------------------------------
test("own votes are loaded when the section opens, and again while images are measured", async () => {
  const at = page('<details class="own-votes"><summary></summary><div></div></details>');
  const replies = [
    { ok: true, html: "<p>5 votes</p>", more: true }, { ok: true, html: "<p>6 votes</p>", more: false },
    { ok: false, error: "The disk is full." }, undefined,
  ];
  const asked = [];
  component.server = { stage_own_votes: async (request) => { asked.push(request); return replies.shift(); } };
  startOwnVotes(component);
  await settle();
  assert.deepEqual(asked, [], "it is closed");
  at(".own-votes").open = true;
  fire(at(".own-votes"), "toggle");
  await settle();
  assert.equal(at("div").textContent, "5 votes");
  await clock.tick(2500);
  assert.equal(at("div").textContent, "6 votes");
  await clock.tick(10_000);
  assert.deepEqual(asked, [{ annotator: "" }, { annotator: "" }]);
  for (const said of ["The disk is full.", "Palate is not answering. Open this again."]) {
    fire(at(".own-votes"), "toggle");
    await settle();
    assert.equal(at("div").textContent, said);
  }
});

test("a section that was opened before its script was there is filled", async () => {
  const at = page('<details class="own-votes" open><summary></summary><div></div></details>');
  component.server = { stage_own_votes: async () => ({ ok: true, html: "<p>5 votes</p>", more: false }) };
  startOwnVotes(component);
  await settle();
  assert.equal(at("div").textContent, "5 votes");
});
