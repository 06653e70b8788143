import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { start } from "../../annotate/web/static/stage/stage.js";
import { stopClock } from "./helpers/clock.js";
import { openDatabases } from "./helpers/database.js";
import { define, fire, press } from "./helpers/dom.js";
import { openStage, pairOf } from "./helpers/stage_page.js";

let element;
let clock;
let sent;
let asked;
let server;
let pairs;

beforeEach(() => {
  clock = stopClock();
  element = openStage();
  openDatabases();
  [sent, asked] = [[], []];
  pairs = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"].map((id) => pairOf(id));
  server = {
    async stage_pairs(request) {
      asked.push(request);
      const fresh = pairs.filter((pair) => !request.have.includes(pair.pair_id)).slice(0, request.want);
      return { ok: true, pairs: fresh, passed_over: [], reason: null, wait_s: null };
    },
    async stage_send(event) {
      sent.push(event);
      const counted = { ok: true, key: event.key, votes: sent.length, until_next_run: null };
      if (event.kind !== "undo") {
        pairs = pairs.filter((pair) => pair.pair_id !== event.pair_id);
        return counted;
      }
      const undone = sent.find((other) => other.key === event.of);
      const kind = undone.kind === "remark" ? undone.remark : undone.kind;
      const note = { vote: "Your vote is taken back. Choose again.", reason: "The reason is taken back." }[kind];
      return { ...counted, undone: { key: undone.key, kind }, opens: kind === "vote", note, pair: pairOf(undone.pair_id) };
    },
    stage_status: async () => ({
      ok: true, stats: { votes: 0, decisive: 0, until_next_run: null, counts: { choices: 0, sentence: "No vote yet." } }, activity: { message: "Ready." }, train_every: 0,
      trial: null, project: { reasons: ["hands"], criteria: [] }, session: null,
    }),
    stage_session: async () => ({ ok: true, session: null }),
  };
});

/** Open the page, and wait until it shows a pair. */
async function open() {
  start({ element, server });
  await clock.tick(50);
}

const text = (selector) => element.querySelector(selector).textContent;
const kinds = () => sent.map(({ kind, verdict = "" }) => `${kind} ${verdict}`.trim());

test("a key votes: the next pair is there in the following frame, and the vote is sent", async () => {
  await open();
  assert.deepEqual([element.dataset.pair, text(".prompt")], ["a", "prompt of a"]);
  const shown = () => element.querySelectorAll(".pair img").map((image) => image.src);
  assert.deepEqual(shown(), ["http://palate.test/img/a-left.png", "http://palate.test/img/a-right.png"]);
  press("ArrowLeft", { timeStamp: clock.now() + 500 });
  assert.equal(element.dataset.pair, "b", "before anything else happens");
  await clock.tick(50);
  assert.deepEqual(kinds(), ["vote left"]);
  assert.deepEqual([sent[0].pair_id, sent[0].response_ms > 0, "pair" in sent[0]], ["a", true, false]);
  assert.equal(text(".saved"), "1 vote saved");
  assert.equal(text(".note"), "Left. Z undoes it.");
  assert.deepEqual([element.dataset.acked, element.dataset.unsent], ["1", "0"]);
});

test("what was given last is undone first, annotations included", async () => {
  await open();
  press("ArrowLeft");
  await clock.tick(50);
  press("h");
  await clock.tick(50);
  press("z");
  await clock.tick(50);
  assert.equal(element.dataset.pair, "b");
  press("z");
  await clock.tick(50);
  assert.equal(element.dataset.pair, "a");
  assert.deepEqual(kinds(), ["vote left", "remark", "undo", "undo"]);
  assert.deepEqual([sent[2].of, sent[3].of, sent[1].of], [sent[1].key, sent[0].key, sent[0].key]);
});

test("without a server votes stay in the browser, and a new page sends them", async () => {
  const send = server.stage_send;
  server.stage_send = async () => undefined;
  await open();
  press("ArrowLeft");
  await clock.tick(20);
  assert.equal(element.dataset.unsent, "1");
  assert.deepEqual(asked.at(-1).have.includes("a"), true, "the pair is not asked for again");
  const kept = localStorage;
  element = openStage();
  define("localStorage", kept);
  window.localStorage = kept;
  server.stage_send = send;
  await open();
  assert.deepEqual(kinds(), ["vote left"]);
  press("z");
  await clock.tick(50);
  assert.deepEqual([kinds().at(-1), element.dataset.pair], ["undo", "a"]);
});

test("a flag that is not sent yet is taken back before the vote before it, also after a reload", async () => {
  server.stage_send = async () => undefined;
  await open();
  press("ArrowLeft");
  await clock.tick(20);
  press("x");
  await clock.tick(20);
  assert.equal(element.dataset.pair, "c");
  const kept = localStorage;
  element = openStage();
  define("localStorage", kept);
  window.localStorage = kept;
  await open();
  for (const pair of ["b", "a"]) {
    press("z");
    await clock.tick(20);
    assert.equal(element.dataset.pair, pair);
  }
});

test("a vote that is refused says why, and is not undone", async () => {
  server.stage_send = async (event) => {
    sent.push(event);
    return { ok: false, error: "There is no such pair.", retry: false };
  };
  await open();
  press("ArrowLeft");
  await clock.tick(50);
  assert.equal(text(".note"), "There is no such pair.");
  press("z");
  await clock.tick(50);
  assert.equal(sent.at(-1).of, "", "the server knows what to undo");
});

test("votes too fast to look bring a hint that takes no key", async () => {
  server.stage_send = async (event) => ({ ok: true, key: event.key, votes: 1, until_next_run: null, pace_hint: "Take your time." });
  await open();
  press("ArrowLeft");
  await clock.tick(50);
  assert.equal(text(".pace-hint span"), "Take your time.");
  press("ArrowLeft");
  assert.equal(element.dataset.pair, "c");
});

test("a pause gives the pairs to others, and brings no new ones", async () => {
  pairs = pairs.slice(0, 3); // too few, so that the page goes on asking
  await open();
  server.stage_session = async () => ({ ok: true, session: { goal: 9, given: 0, state: "paused" } });
  fire(element.querySelector('[data-action="session-pause"]'), "click");
  await clock.tick(1500);
  assert.deepEqual([element.dataset.pair, text(".empty-title")], ["", "Paused"]);
  assert.equal(element.querySelector(".session-card").hidden, true);
});

test("another name asks for pairs of its own", async () => {
  await open();
  const field = element.querySelector(".who input");
  assert.match(field.value, /^guest-[0-9a-f]{4}$/);
  field.value = "ada";
  fire(field, "change");
  await clock.tick(50);
  assert.equal(asked.at(-1).annotator, "ada");
  assert.deepEqual(asked.at(-1).have, []);
});

test("while it waits the stage counts down", async () => {
  server.stage_pairs = async () => ({ ok: true, pairs: [], reason: "Pairs are being rendered.", wait_s: 5 });
  await open();
  await clock.tick(3000);
  assert.deepEqual([text(".empty-title"), text(".empty-detail")], ["Pairs are being rendered.", "About 5 seconds to go."]);
  server.stage_pairs = () => new Promise(() => {});
  await clock.tick(3000);
  assert.equal(text(".empty-detail"), "About 2 seconds to go.");
});
