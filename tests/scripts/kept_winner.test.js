import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { follows, KeptWinner } from "../../annotate/web/static/stage/kept_winner.js";
import { start } from "../../annotate/web/static/stage/stage.js";
import { stopClock } from "./helpers/clock.js";
import { openDatabases } from "./helpers/database.js";
import { press } from "./helpers/dom.js";
import { itemOf, newState, openStage, pairOf, recorder } from "./helpers/stage_page.js";

let clock;
let stage;
let kept;
let waiting;

beforeEach(() => {
  clock = stopClock();
  openStage();
  waiting = [];
  stage = {
    ...recorder(["refresh"]),
    state: newState({ history: [{ key: "k", kind: "vote" }] }),
    prefetcher: {
      prepare: itemOf,
      putBack: (item) => waiting.unshift(item),
      drop: (unwanted) => { waiting = waiting.filter((item) => !unwanted(item)); },
    },
  };
  kept = new KeptWinner(stage);
});

const before = pairOf("a");
const after = pairOf("b", { prompt: before.prompt, left_url: "img/new.png", right_url: before.left_url, in_a_row: 1 });

test("left and right bring a winner, where that is asked for", () => {
  const stays = (verdict, keep = true) => kept.stays({ kind: "vote", verdict, keep });
  assert.deepEqual(["left", "right", "tie", "both_good", "both_bad", "skip"].map((verdict) => stays(verdict)),
    [true, true, false, false, false, false]);
  assert.deepEqual([stays("left", false), kept.stays({ kind: "undo", keep: true })], [false, false]);
});

test("the pair of the winner is the next one, and then the page goes on", async () => {
  kept.await("k");
  await kept.answered("k", after);
  assert.deepEqual([waiting.map((item) => item.pair.pair_id), stage.state.awaited], [["b"], null]);
  assert.deepEqual(stage.names(), ["refresh"]);
});

test("a pair that the page has already only moves to the front", async () => {
  waiting = [itemOf(pairOf("other")), itemOf(after)];
  await kept.answered("k", after);
  assert.deepEqual(waiting.map((item) => item.pair.pair_id), ["b", "other"]);
  stage.state.current = itemOf(after);
  waiting = [];
  await kept.answered("k", after);
  assert.deepEqual(waiting, []);
});

test("an answer without a pair, and none at all, let other pairs come", async () => {
  kept.await("k");
  await kept.answered("k", undefined);
  assert.deepEqual([stage.state.awaited, waiting], [null, []]);
  kept.await("k");
  await clock.tick(699);
  assert.equal(stage.state.awaited, "k");
  await clock.tick(1);
  assert.equal(stage.state.awaited, null);
  assert.deepEqual(stage.names(), ["refresh", "refresh"]);
});

test("a vote that was undone meanwhile brings nothing", async () => {
  stage.state.history = [];
  await kept.answered("k", after);
  assert.deepEqual(waiting, []);
});

test("what followed from a vote goes with it, wherever it is", () => {
  waiting = [itemOf(after), itemOf(pairOf("c"))];
  stage.state.current = itemOf(after);
  kept.takeBack(itemOf(before));
  assert.deepEqual([waiting.map((item) => item.pair.pair_id), stage.state.current], [["c"], null]);
});

test("a pair follows another by its prompt, its number and an image of both", () => {
  const changed = (more) => follows(itemOf({ ...after, ...more }), itemOf(before));
  assert.deepEqual([changed({}), changed({ in_a_row: 2 }), changed({ prompt: "else" }), changed({ right_url: "img/x.png" })],
    [true, false, false, false]);
});

test("on the page: a vote waits for its winner, and an undo brings the pair back without it", async () => {
  const element = openStage();
  openDatabases();
  localStorage.setItem("palate-annotator", "ada");
  localStorage.setItem("palate-keep:ada", "on");
  const asked = [];
  const server = {
    stage_pairs: async (request) => {
      asked.push(request);
      const pairs = [before, pairOf("c"), pairOf("d")].filter((pair) => !request.have.includes(pair.pair_id));
      return { ok: true, pairs: pairs.slice(0, request.want), passed_over: [], reason: null, wait_s: null };
    },
    stage_send: async (event) => {
      const counted = { ok: true, key: event.key, votes: 1, until_next_run: null };
      if (event.kind === "vote") return { ...counted, next: after };
      return { ...counted, undone: { key: event.of, kind: "vote" }, opens: true, note: "Your vote is taken back. Choose again.", pair: before };
    },
    stage_status: async () => ({
      ok: true, stats: { votes: 0, decisive: 0, until_next_run: null, counts: { choices: 0, sentence: "" } }, activity: { message: "Ready." }, train_every: 0,
      trial: null, project: { reasons: [], criteria: [] }, session: null,
    }),
    stage_session: async () => ({ ok: true, session: null }),
  };
  start({ element, server });
  await clock.tick(50);
  assert.deepEqual([asked[0].keep, asked[0].want, element.dataset.pair], [true, 3, "a"]);
  press("ArrowLeft");
  assert.equal(element.dataset.pair, "a", "nothing else is shown meanwhile");
  await clock.tick(50);
  assert.deepEqual([element.dataset.pair, element.querySelector(".question").textContent], ["b", "The winner stays, 1 of 5"]);
  press("z");
  await clock.tick(50);
  assert.equal(element.dataset.pair, "a");
  press("s");
  await clock.tick(50);
  assert.notEqual(element.dataset.pair, "b", "the pair of the winner is gone");
});
