import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Arrangement } from "../../annotate/web/static/stage/arrangement.js";
import { define } from "./helpers/dom.js";
import { openStage } from "./helpers/stage_page.js";

let element;
let stage;
let phone;

beforeEach(() => {
  element = openStage();
  stage = element.querySelector(".stage");
  phone = { matches: false, addEventListener: (_, changed) => { phone.changed = changed; } };
  define("matchMedia", () => phone);
});

const imagesOf = (naturalWidth, naturalHeight) => [{ naturalWidth, naturalHeight }, { naturalWidth, naturalHeight }];
const named = () => ["left", "right"].map((side) => element.querySelector(`[data-name="${side}"]`).textContent);

test("frames have the shape and the size of the images, and are square until they are there", () => {
  const arrangement = new Arrangement(element);
  const set = () => [stage.dataset.shape, ...["--ratio", "--natural"].map((name) => stage.style.getPropertyValue(name))];
  arrangement.take(null, false);
  assert.deepEqual(set(), ["square", "1", "4096"]);
  arrangement.take(imagesOf(64, 64), false);
  assert.deepEqual(set(), ["square", "1", "64"]);
  arrangement.take(imagesOf(832, 1216), false);
  assert.deepEqual([set()[0], set()[2]], ["portrait", "832"]);
  arrangement.take(imagesOf(1216, 832), false);
  assert.equal(set()[0], "landscape");
});

test("beside each other images are left and right, stacked on a phone top and bottom", () => {
  const arrangement = new Arrangement(element);
  arrangement.take(imagesOf(1024, 1024), false);
  assert.deepEqual([arrangement.kind, named()], ["beside", ["Left", "Right"]]);
  phone.matches = true;
  phone.changed();
  assert.deepEqual([arrangement.kind, named()], ["stacked", ["Top", "Bottom"]]);
  assert.equal(element.querySelector('.image[data-verdict="left"]').getAttribute("aria-label"), "The top image is better");
  arrangement.take(imagesOf(1024, 1024), true);
  assert.deepEqual([arrangement.kind, named()], ["beside", ["Left", "Right"]], "four are in a grid");
});

test("of two portraits a phone shows one, a flip the other, and new images begin with the left", () => {
  phone.matches = true;
  const arrangement = new Arrangement(element);
  arrangement.take(imagesOf(832, 1216), false);
  assert.deepEqual([arrangement.kind, stage.dataset.side], ["single", "0"]);
  arrangement.flip();
  assert.equal(stage.dataset.side, "1");
  arrangement.flip();
  assert.equal(stage.dataset.side, "0");
  arrangement.flip();
  arrangement.take(imagesOf(832, 1216), false);
  assert.equal(stage.dataset.side, "0");
});
