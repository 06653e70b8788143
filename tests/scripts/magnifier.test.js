import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { heatColor } from "../../annotate/web/static/difference.js";
import { Magnifier } from "../../annotate/web/static/stage/magnifier.js";
import { stopClock } from "./helpers/clock.js";
import { fire, imageOf } from "./helpers/dom.js";
import { openStage } from "./helpers/stage_page.js";

let element;
let overlay;
let magnifier;
let clock;

function show(left, right) {
  const frames = element.querySelectorAll(".pair .frame");
  [left, right].forEach((color, i) => frames[i].replaceChildren(imageOf(color, { width: 64, src: i ? "right" : "left" })));
}

beforeEach(() => {
  clock = stopClock();
  element = openStage();
  overlay = element.querySelector(".overlay");
  magnifier = new Magnifier(element);
  show([0, 0, 0], [10, 10, 10]);
});

const label = () => overlay.querySelector(".overlay-label").textContent;

test("a held key shows the two images in one place, in turn", async () => {
  magnifier.flicker(true);
  assert.deepEqual([overlay.hidden, label()], [false, "left"]);
  await clock.tick(380);
  assert.equal(label(), "right");
  await clock.tick(380);
  assert.equal(label(), "left");
  const painted = overlay.querySelector("canvas").painted.map(([, src]) => src);
  assert.deepEqual(painted, ["left", "right", "left"]);
  magnifier.flicker(false);
  assert.equal(overlay.hidden, true);
  await clock.tick(1000);
  assert.equal(overlay.hidden, true);
});

test("the button that is held does the same", () => {
  const hold = element.querySelector('[data-hold="flicker"]');
  fire(hold, "pointerdown", { clientX: 0, clientY: 0 });
  assert.equal(overlay.dataset.kind, "flicker");
  fire(hold, "pointerleave");
  assert.equal(overlay.hidden, true);
});

test("a difference is said in words; a small one is amplified, a large one is not", () => {
  magnifier.difference();
  assert.equal(label(), "They differ by 3.9 % on average");
  const color = () => overlay.querySelector("canvas").map.slice(0, 3);
  assert.deepEqual(color(), heatColor((4 * 10) / 255).map(Math.round));
  magnifier.difference();
  assert.equal(overlay.hidden, true, "the same key closes it");
  show([0, 0, 0], [200, 200, 200]);
  magnifier.difference();
  assert.equal(label(), "They differ by 78.4 % on average");
  assert.deepEqual(color(), heatColor(200 / 255).map(Math.round));
});

test("without two images there is nothing to compare", () => {
  element.querySelectorAll(".pair .frame")[1].replaceChildren();
  magnifier.difference();
  magnifier.flicker(true);
  assert.equal(overlay.hidden, true);
});

test("pixel for pixel, and back; whole images again before the next pair", () => {
  magnifier.pixels();
  assert.equal(magnifier.open, true);
  assert.equal(element.querySelector(".stage").style.getPropertyValue("--zoom"), "0.5");
  assert.equal(element.querySelector('[data-action="unzoom"]').hidden, false);
  magnifier.pixels();
  assert.equal(magnifier.open, false);
  magnifier.pixels();
  magnifier.difference();
  magnifier.reset();
  assert.deepEqual([magnifier.open, overlay.hidden], [false, true]);
});

test("a drag of more than six pixels is no click", () => {
  const image = element.querySelector(".pair .image");
  fire(image, "pointerdown", { clientX: 10, clientY: 10 });
  fire(image, "pointermove", { clientX: 15, clientY: 10, buttons: 1 });
  assert.equal(magnifier.dragged, false);
  fire(image, "pointermove", { clientX: 20, clientY: 10, buttons: 1 });
  assert.equal(magnifier.dragged, true);
  fire(image, "pointerdown", { clientX: 10, clientY: 10 });
  assert.equal(magnifier.dragged, false);
});

test("the stage fills the screen, and leaves it", () => {
  magnifier.full();
  assert.deepEqual(element.querySelector(".stage").calls, ["requestFullscreen"]);
  document.fullscreenElement = element;
  magnifier.full();
  assert.equal(document.fullscreenElement, null);
});
