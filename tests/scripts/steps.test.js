import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { NONE_SEEN, rememberSeen, seenVersion, stepsOf } from "../../annotate/web/static/stage/steps.js";
import { openPage } from "./helpers/dom.js";

const newcomer = { every: 50, until: 38, choices: 12, run: null, newest: null, seen: NONE_SEEN };
const run = { state: "running", eta_s: 250, next_images_s: null };

beforeEach(() => openPage("<p></p>"));

test("the first step counts the choices that the tuning waits for", () => {
  assert.deepEqual(stepsOf(newcomer), {
    step: 1, choices: "12 of 50 choices", tuning: "then the model is tuned", result: "you see whether it changed",
    ready: "", bar: { done: 12, of: 50 },
  });
  assert.equal(stepsOf({ ...newcomer, until: 0 }).choices, "50 choices: tuning starts soon");
});

test("where no run starts by itself, the second step says where to start one", () => {
  const { choices, tuning, bar } = stepsOf({ ...newcomer, every: 0, until: null });
  assert.deepEqual([choices, tuning, bar], ["12 choices", "then tune the model, on Train", null]);
});

test("while the model is tuned, the second step says how long, and when images come", () => {
  const at = (more) => stepsOf({ ...newcomer, until: 50, run: { ...run, ...more } });
  assert.deepEqual([at({}).step, at({}).choices, at({}).bar], [2, "12 choices", null]);
  assert.equal(at({}).tuning, "Tuning: 4 min left");
  assert.equal(at({ next_images_s: 42 }).tuning, "Tuning: 4 min left, next images in 40 s");
  assert.equal(at({ eta_s: null }).tuning, "Tuning the model");
  assert.equal(at({ eta_s: 2 }).tuning, "Tuning: nearly done");
  assert.equal(at({ eta_s: 9000 }).tuning, "Tuning: 2.5 h left");
  assert.equal(at({ state: "paused" }).tuning, "Tuning waits while images are rendered");
});

test("once there is a result, a button leads to it until it was seen", () => {
  const result = stepsOf({ ...newcomer, newest: "v1" });
  assert.deepEqual([result.step, result.ready, result.bar], [3, "v1 is ready: see what changed", null]);
  const next = stepsOf({ ...newcomer, newest: "v2", seen: "v1" });
  assert.deepEqual([next.step, next.ready], [0, "v2 is ready: see what changed"]);
});

test("whoever has seen a result sees the progress alone", () => {
  const known = { ...newcomer, newest: "v1", seen: "v1" };
  const { step, choices, ready, bar } = stepsOf(known);
  assert.deepEqual([step, choices, ready, bar], [0, "12 of 50 choices until the next tuning", "", { done: 12, of: 50 }]);
  assert.deepEqual([stepsOf({ ...known, run }).step, stepsOf({ ...known, run }).choices], [0, "Tuning: 4 min left"]);
});

test("nobody who is told of no run sees steps", () => {
  assert.equal(stepsOf({ ...newcomer, seen: null }).step, 0);
});

test("a browser remembers by model which result was seen last", () => {
  assert.equal(seenVersion("emoji", null), NONE_SEEN);
  assert.equal(seenVersion("emoji", "v1"), NONE_SEEN, "the result of the first run is still to be seen");
  rememberSeen("emoji", "v1");
  assert.equal(seenVersion("emoji", "v2"), "v1");
  assert.equal(seenVersion("other", "v7"), "v7", "a new browser of somebody who knows the way");
});
