import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Keys } from "../../annotate/web/static/stage/keys.js";
import { Annotations } from "../../annotate/web/static/stage/reasons.js";
import { openStage } from "./helpers/stage_page.js";

let element;
let annotations;
let sent;

beforeEach(() => {
  element = openStage();
  sent = [];
  annotations = new Annotations(element, new Keys(), (remark) => sent.push(remark));
  annotations.setReasons(["hands", "text"]);
});

const chips = () => element.querySelectorAll(".chip");
const pressed = () => chips().filter((chip) => chip.getAttribute("aria-pressed") === "true").map((chip) => chip.textContent);
const vote = (key, verdict = "left") => ({ kind: "vote", key, verdict });

test("the reasons of the project are shown with their keys", () => {
  assert.deepEqual(chips().map((chip) => chip.textContent), ["↑Clearly better", "Hhands", "Ttext"]);
  annotations.setReasons([]);
  assert.deepEqual(chips().map((chip) => chip.textContent), ["↑Clearly better"]);
});

test("before a vote, and after a tie, nothing can be said of one", () => {
  assert.ok(chips().every((chip) => chip.disabled));
  annotations.setVote(vote("a", "tie"));
  annotations.show();
  assert.ok(chips().every((chip) => chip.disabled));
  annotations.toggle("reason-0");
  assert.deepEqual(sent, []);
});

test("a reason is added to the vote, and taken away again", () => {
  annotations.setVote(vote("a"));
  annotations.toggle("reason-1");
  assert.deepEqual(pressed(), ["Ttext"]);
  annotations.toggle("reason-1");
  assert.deepEqual(pressed(), []);
  assert.deepEqual(sent, [
    { of: "a", remark: "reason", name: "text", value: "on" },
    { of: "a", remark: "reason", name: "text", value: "" },
  ]);
});

test("that a choice was clear is its strength", () => {
  annotations.setVote(vote("a", "right"));
  annotations.toggle("clear");
  annotations.toggle("clear");
  assert.deepEqual(sent, [
    { of: "a", remark: "strength", name: "", value: "2" },
    { of: "a", remark: "strength", name: "", value: "" },
  ]);
});

test("a key of no reason says nothing", () => {
  annotations.setVote(vote("a"));
  annotations.toggle("reason-9");
  assert.deepEqual(sent, []);
});

test("an annotation that is undone has its earlier value again, if it is of the last vote", () => {
  annotations.setVote(vote("a"));
  annotations.toggle("reason-0");
  annotations.takeBack("another", "hands");
  assert.deepEqual(pressed(), ["Hhands"]);
  annotations.takeBack("a", "hands");
  assert.deepEqual(pressed(), []);
  annotations.takeBack("a", "hands");
  assert.deepEqual(pressed(), ["Hhands"]);
});

test("a vote that was refused has no annotations, another one keeps them", () => {
  annotations.setVote(vote("a"));
  annotations.show();
  annotations.forget("b");
  assert.equal(chips()[0].disabled, false);
  annotations.forget("a");
  assert.equal(chips()[0].disabled, true);
});

test("the strip shows the vote's own images, the chosen one marked, and goes with a tie", () => {
  const images = ["a-left.png", "a-right.png"].map((src) => Object.assign(document.createElement("img"), { src }));
  const strip = element.querySelector(".annotations");
  const thumbnails = () => element.querySelectorAll(".about img").map((image) => [image.src, image.hasAttribute("data-chosen")]);
  assert.equal(strip.hasAttribute("data-idle"), true);
  annotations.setVote(vote("a", "right"), images);
  annotations.show();
  assert.equal(strip.hasAttribute("data-idle"), false);
  assert.deepEqual(thumbnails(), [["a-left.png", false], ["a-right.png", true]]);
  annotations.open();
  assert.deepEqual([strip.hasAttribute("data-open"), strip.querySelector(".why").getAttribute("aria-expanded")], [true, "true"]);
  annotations.setVote(vote("b", "tie"), images);
  annotations.show();
  assert.deepEqual([strip.hasAttribute("data-idle"), strip.hasAttribute("data-open")], [true, false]);
});
