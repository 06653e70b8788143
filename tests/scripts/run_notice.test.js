import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { start } from "../../annotate/web/static/run_notice.js";
import { settle, stopClock } from "./helpers/clock.js";
import { fire, openPage } from "./helpers/dom.js";

const QUESTION = '<p>A run is due.</p><button data-answer="tonight">Tonight</button>';
const ACTIVE = "<p>v3 became active by itself.</p><button data-dismiss>OK</button>";
let clock;
let sent;
let notice;
let element;

beforeEach(() => {
  clock = stopClock();
  sent = [];
  element = openPage('<div><div class="run-notice-place"></div></div>');
  notice = { ok: true, html: "", told: "" };
});

const place = () => element.querySelector(".run-notice-place");

async function begin(answered = () => ({ ok: true, html: "", told: "" })) {
  start({
    element,
    server: {
      run_notice: async () => notice,
      answer_long_run: async (request) => {
        sent.push(request);
        return answered();
      },
    },
  });
  await settle();
}

test("a question comes by itself and goes with its answer", async () => {
  await begin();
  assert.equal(place().innerHTML, "");
  notice = { ok: true, html: QUESTION, told: "" };
  await clock.tick(10_000);
  fire(place().querySelector("button"), "click");
  await settle();
  assert.deepEqual(sent, [{ annotator: "", answer: "tonight" }]);
  assert.equal(place().innerHTML, "");
});

test("an answer that is refused says why, and can be given again", async () => {
  notice = { ok: true, html: QUESTION, told: "" };
  await begin(() => ({ ok: false, error: "The disk is full." }));
  fire(place().querySelector("button"), "click");
  await settle();
  assert.equal(place().querySelector("p").textContent, "The disk is full.");
  assert.equal(place().querySelector("button").disabled, false);
});

test("a version that became active is told once in this browser", async () => {
  notice = { ok: true, html: ACTIVE, told: "v3 2026-03-01" };
  await begin();
  fire(place().querySelector("[data-dismiss]"), "click");
  await clock.tick(30_000);
  assert.equal(place().innerHTML, "");
  notice = { ok: true, html: ACTIVE, told: "v4 2026-03-02" };
  await clock.tick(10_000);
  assert.match(place().innerHTML, /became active/);
});
