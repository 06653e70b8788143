import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { listenToInput } from "../../annotate/web/static/stage/gestures.js";
import { Keys } from "../../annotate/web/static/stage/keys.js";
import { fire, press } from "./helpers/dom.js";
import { openStage, recorder } from "./helpers/stage_page.js";

let element;
let keys;
let view;
let magnifier;
let done;
let layout;

beforeEach(() => {
  element = openStage();
  keys = new Keys();
  view = Object.assign(recorder(["keyHint", "showKeys"]), {
    shown: true, arrangement: Object.assign(recorder(["flip"]), { kind: "beside" }),
  });
  magnifier = Object.assign(recorder(["flicker"]), { open: false, dragged: false });
  done = [];
  layout = "two";
  listenToInput({
    element, keys, view, magnifier, layout: () => layout,
    perform: (action, pressedAt) => done.push([action, pressedAt]),
  });
});

const swipe = (x, y, more = {}) => {
  const images = element.querySelector(".images");
  fire(images, "pointerdown", { pointerType: "touch", isPrimary: true, clientX: 100, clientY: 100, ...more });
  fire(images, "pointerup", { clientX: 100 + x, clientY: 100 + y });
};
const actions = () => done.map(([action]) => action);

test("a key does its action at the time when it was pressed, and nothing else", () => {
  assert.equal(press("ArrowLeft", { timeStamp: 77 }).defaultPrevented, true);
  assert.deepEqual(done, [["left", 77]]);
  assert.equal(press("q").defaultPrevented, false);
  assert.equal(press("Escape").defaultPrevented, false, "Esc is for others as well");
  assert.deepEqual(actions(), ["left", "close"]);
});

test("Space flickers for as long as it is held, and presses no button", () => {
  const button = element.querySelector('[data-action="undo"]');
  fire(document, "keydown", { key: " ", code: "Space" });
  const up = fire(button, "keyup", { key: " ", code: "Space" });
  assert.deepEqual(magnifier.calls, [["flicker", true], ["flicker", false]]);
  assert.equal(up.defaultPrevented, true);
  assert.deepEqual(done, []);
});

test("a stage that cannot be seen takes no key, and one that is gone listens no more", () => {
  view.shown = false;
  press("ArrowLeft");
  view.shown = true;
  element.remove();
  press("ArrowLeft");
  fire(document, "keyup", { key: "x", code: "" });
  assert.deepEqual(done, []);
  assert.deepEqual([document.listenerCount("keydown"), document.listenerCount("keyup")], [0, 0]);
});

test("a click on an image, a button or a rank is its action", () => {
  for (const selector of ['.pair [data-verdict="right"]', '[data-place="3"]', '[data-action="undo"]', ".prompt"]) {
    fire(element.querySelector(selector), "click");
  }
  assert.deepEqual(actions(), ["right", "place-3", "undo"]);
});

test("an image that was clicked is not marked on the next pair, and one that was chosen by keyboard keeps its place", () => {
  const image = element.querySelector('.pair [data-verdict="left"]');
  const marked = (detail) => {
    image.focus();
    fire(image, "click", { detail });
    return document.activeElement === image;
  };
  assert.deepEqual([marked(1), marked(0)], [false, true]);
});

test("a dragged image is not voted for, but a button is pressed", () => {
  magnifier.dragged = true;
  fire(element.querySelector('.pair [data-verdict="left"]'), "click");
  fire(element.querySelector('.verdicts [data-verdict="left"]'), "click");
  assert.deepEqual(actions(), ["left"]);
});

test("a swipe of 60 pixels to a side chooses it", () => {
  swipe(-60, 0);
  swipe(61, 30);
  swipe(59, 0);
  swipe(80, 41);
  assert.deepEqual(actions(), ["left", "right"]);
});

test("of one portrait at a time, a tap shows the other one, and a swipe chooses", () => {
  view.arrangement.kind = "single";
  fire(element.querySelector('.pair [data-verdict="left"]'), "click");
  assert.deepEqual([view.arrangement.calls, done], [[["flip"]], []]);
  swipe(90, 0);
  fire(element.querySelector('.verdicts [data-verdict="left"]'), "click");
  assert.deepEqual(actions(), ["right", "left"]);
});

test("of stacked images no swipe chooses, but a tap does", () => {
  view.arrangement.kind = "stacked";
  swipe(-90, 0);
  fire(element.querySelector('.pair [data-verdict="right"]'), "click");
  assert.deepEqual(actions(), ["right"]);
});

test("a click on a prompt shows the whole of it, or again what fits", () => {
  const prompt = element.querySelector(".prompt");
  fire(prompt, "click");
  assert.equal(prompt.hasAttribute("data-whole"), true);
  fire(prompt, "click");
  assert.equal(prompt.hasAttribute("data-whole"), false);
  assert.deepEqual(done, []);
});

test("no swipe counts with a mouse, with a second finger, with four images, or while something is magnified", () => {
  swipe(-90, 0, { pointerType: "mouse" });
  swipe(-90, 0, { isPrimary: false });
  layout = "four";
  swipe(-90, 0);
  layout = "two";
  magnifier.open = true;
  swipe(-90, 0);
  assert.deepEqual(done, []);
});

test("a new key is chosen by a click and a press, and Esc keeps the old one", () => {
  const pick = document.createElement("button");
  pick.dataset.pick = "skip";
  element.append(pick);
  fire(pick, "click");
  assert.deepEqual(view.calls.at(-1), ["keyHint", "Press the new key. Esc keeps the old one.", pick]);
  press("Tab");
  assert.deepEqual(view.calls.at(-1), ["keyHint", "Tab is taken. Press another key."]);
  press("Dead", { code: "KeyG" });
  press("k", { code: "KeyK" });
  assert.equal(keys.of("skip"), "k");
  assert.equal(view.names().at(-1), "showKeys");
  fire(pick, "click");
  press("Escape");
  assert.equal(keys.of("skip"), "k");
  assert.deepEqual(done, []);
  press("k", { code: "KeyK" });
  assert.deepEqual(actions(), ["skip"]);
});
