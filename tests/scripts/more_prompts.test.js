import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { MorePrompts } from "../../annotate/web/static/stage/more_prompts.js";
import { settle, stopClock } from "./helpers/clock.js";
import { fire } from "./helpers/dom.js";
import { itemOf, newState, openStage, pairOf, quadOf, recorder } from "./helpers/stage_page.js";

let clock;
let element;
let stage;
let prompts;
let asked;
let answers;
let waiting;

beforeEach(() => {
  clock = stopClock();
  element = openStage();
  asked = [];
  waiting = [itemOf(pairOf("x"))];
  answers = { more: { ok: true, prompt: "a cat", coming: 4, wait_s: null }, queue: { ok: true, prompt: "a yak", coming: 4, wait_s: null }, arrived: [] };
  stage = {
    element,
    state: newState({ current: itemOf(pairOf("a")) }),
    server: {
      stage_prompts: async (request) => {
        asked.push(request);
        return request.action === "arrived" ? answers.arrived.shift() || { ok: true, items: [], coming: 0 } : answers[request.action];
      },
    },
    view: Object.assign(recorder(["note"]), { stage: element.querySelector(".stage"), tools: recorder(["close"]) }),
    prefetcher: {
      prepare: itemOf,
      putBack: (item) => waiting.unshift(item),
      drop: (unwanted) => { waiting = waiting.filter((item) => !unwanted(item)); },
    },
  };
  prompts = new MorePrompts(stage);
});

const ids = () => waiting.map((item) => item.pair.pair_id);
const form = () => element.querySelector(".next-prompt");

test("four more of the prompt that is shown come before the other pairs, as they are rendered", async () => {
  answers.arrived = [{ ok: true, items: [pairOf("1"), pairOf("2")], coming: 2 }, { ok: true, items: [pairOf("3")], coming: 0 }];
  prompts.more();
  await settle();
  assert.deepEqual(asked[0], { annotator: "ada", trial: "", four: false, action: "more", pair_id: "a" });
  assert.deepEqual(stage.view.calls, [["note", "4 more of this prompt are coming."]]);
  assert.deepEqual(ids(), ["1", "2", "x"]);
  await clock.tick(1000);
  await settle();
  assert.deepEqual(ids(), ["3", "1", "2", "x"]);
});

test("a pair that came with others already is moved forward, and one that is shown stays", async () => {
  waiting = [itemOf(pairOf("x")), itemOf(pairOf("1"))];
  answers.arrived = [{ ok: true, items: [pairOf("1"), pairOf("a")], coming: 0 }];
  await prompts.more();
  assert.deepEqual(ids(), ["1", "x"]);
});

test("without an image, or where it is refused, that is said", async () => {
  answers.more = { ok: false, error: "Not now." };
  await prompts.more();
  stage.state.current = null;
  await prompts.more();
  assert.deepEqual(stage.view.calls, [["note", "Not now.", "problem"], ["note", "No prompt is shown yet."]]);
  assert.equal(asked.length, 1);
});

test("whoever labels four at a time gets one more set of four", async () => {
  Object.assign(stage.state, { four: true, current: itemOf(quadOf("q")) });
  answers.more = { ok: true, prompt: "a cat", coming: 1, wait_s: null };
  answers.arrived = [{ ok: true, items: [quadOf("q2")], coming: 0 }];
  await prompts.more();
  assert.deepEqual(stage.view.calls, [["note", "4 more images of this prompt are coming."]]);
  assert.deepEqual(ids(), ["q2", "x"]);
});

test("a typed prompt comes next, and its field closes", async () => {
  prompts.toggle();
  assert.deepEqual([form().hidden, stage.view.tools.calls], [false, [["close"]]]);
  form().querySelector("input").value = " a yak ";
  fire(form(), "submit");
  await settle();
  assert.deepEqual(asked[0], { annotator: "ada", trial: "", four: false, action: "queue", prompt: "a yak" });
  assert.deepEqual([form().hidden, form().querySelector("input").value], [true, ""]);
  assert.deepEqual(stage.view.calls, [["note", "Next, once it is rendered: a yak"]]);
});

test("a prompt that is refused stays in the field", async () => {
  answers.queue = { ok: false, error: "This prompt is kept for blind tests." };
  prompts.toggle();
  form().querySelector("input").value = "a fox";
  await prompts.queue();
  assert.deepEqual([form().hidden, form().querySelector("input").value], [false, "a fox"]);
  fire(form(), "keydown", { key: "Escape" });
  assert.equal(form().hidden, true);
});

test("after an import the pairs that were fetched before are checked again", () => {
  let checked = 0;
  stage.prefetcher.recheck = () => { checked += 1; };
  document.dispatchEvent(new Event("palate-imported"));
  assert.equal(checked, 1);
});

test("labelers who may not add prompts are told so", () => {
  prompts.allow(false);
  prompts.toggle();
  assert.equal(form().hidden, true);
  assert.equal(element.querySelector("[data-action=prompt]").hidden, true);
  assert.deepEqual(stage.view.calls, [["note", "Only admins add prompts in this project."]]);
});

test("while a run has the device it is said when they come", async () => {
  answers.more = { ok: true, prompt: "a cat", coming: 4, wait_s: 240 };
  answers.queue = { ok: true, prompt: "a yak", coming: 4, wait_s: 240 };
  await prompts.more();
  prompts.toggle();
  form().querySelector("input").value = "a yak";
  await prompts.queue();
  assert.deepEqual(stage.view.calls.map(([, text]) => text).filter(Boolean), [
    "4 more of this prompt come in about 4 min, for the model is being tuned.",
    "Next, in about 4 min, for the model is being tuned: a yak",
  ]);
});

test("in a blind test nothing comes in between", async () => {
  answers.arrived = [{ ok: true, items: [pairOf("1")], coming: 3 }, { ok: true, items: [pairOf("2")], coming: 0 }];
  prompts.more();
  await settle();
  stage.state.trial = "t1";
  await clock.tick(1000);
  await settle();
  assert.deepEqual([ids(), asked.length], [["1", "x"], 2]);
});
