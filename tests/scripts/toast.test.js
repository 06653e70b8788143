import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Toast } from "../../annotate/web/static/stage/toast.js";
import { stopClock } from "./helpers/clock.js";
import { openStage } from "./helpers/stage_page.js";

let element;
let clock;
const text = () => element.querySelector(".note").textContent;

beforeEach(() => {
  clock = stopClock();
  element = openStage();
});

test("a choice is confirmed by the name of its image, and can be undone", async () => {
  const toast = new Toast(element, { names: ["Top", "Bottom"] });
  toast.confirm("right", "Undo");
  assert.equal(text(), "Bottom. Undo undoes it.");
  toast.confirm("tie", "Undo");
  assert.equal(text(), "Tie. Undo undoes it.");
  await clock.tick(2500);
  assert.equal(text(), "");
});

test("a problem stays longer than a confirmation", async () => {
  const toast = new Toast(element, { names: ["Left", "Right"] });
  toast.show("The vote was refused.", "problem");
  await clock.tick(2500);
  assert.equal(text(), "The vote was refused.");
  await clock.tick(9500);
  assert.equal(text(), "");
});
