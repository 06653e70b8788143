import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Status } from "../../annotate/web/static/stage/status.js";
import { openStage } from "./helpers/stage_page.js";

const CARD = '<div id="label-tab"><div class="change-place"><section class="change">'
  + '<button data-fold aria-expanded="false"></button></section></div></div>'
  + '<button id="train-tab-button"></button>';
let state;
let status;

beforeEach(() => {
  const element = openStage();
  const page = document.createElement("div");
  page.innerHTML = CARD;
  document.body.append(...page.children);
  state = { annotator: "ada", trial: "", tuning: { run: null, newest: "v1", seen: null } };
  status = new Status({
    element,
    server: { stage_status: async () => ({ ok: false, error: "Busy." }) },
    state,
    statusView: { status() {} },
    refresh() {},
  });
});

test("a result that was acted on is not announced any more", () => {
  document.dispatchEvent(new CustomEvent("palate-change-seen"));
  assert.equal(state.tuning.seen, "v1");
});

const fold = () => document.querySelector("[data-fold]");
const train = () => document.getElementById("train-tab-button");

test("who asks to see what changed gets the card on Label, opened", async () => {
  await status.seeChange();
  assert.deepEqual([fold().calls, train().calls], [["click"], []]);
  assert.equal(document.activeElement, fold());
});

test("where the card on Label was closed, what changed is shown on Train", async () => {
  document.querySelector(".change-place").hidden = true;
  await status.seeChange();
  assert.deepEqual([fold().calls, train().calls], [[], ["click"]]);
});
