import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { followTop } from "../../annotate/web/static/stage/fit.js";
import { FakeObserver, fire } from "./helpers/dom.js";
import { openStage } from "./helpers/stage_page.js";

let stage;
const top = () => stage.style.getPropertyValue("--top");
const changed = () => FakeObserver.all[0].show();

beforeEach(() => {
  stage = openStage().querySelector(".stage");
  Object.assign(window, { scrollY: 0 });
  stage.box = { left: 0, top: 52, width: 100, height: 100 };
  followTop(stage);
});

test("the stage knows where it begins, also below a card that comes, and on a page that is scrolled", () => {
  changed();
  assert.equal(top(), "52px");
  stage.box = { ...stage.box, top: 340 };
  changed();
  assert.equal(top(), "340px");
  Object.assign(window, { scrollY: 300 });
  stage.box = { ...stage.box, top: -248 };
  fire(window, "resize");
  assert.equal(top(), "52px");
});

test("in full screen it keeps what it knew, and a stage that is gone is measured no more", () => {
  changed();
  document.fullscreenElement = stage;
  stage.box = { ...stage.box, top: 0 };
  changed();
  assert.equal(top(), "52px");
  stage.remove();
  changed();
  assert.deepEqual([window.listenerCount("resize"), FakeObserver.all[0].observed.size], [0, 0]);
});
