import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { isVerdict, Voting } from "../../annotate/web/static/stage/verdict.js";
import { settle } from "./helpers/clock.js";
import { itemOf, newState, openStage, pairOf, quadOf, recorder } from "./helpers/stage_page.js";

let stage;
let voting;
let added;
let stored;

beforeEach(() => {
  openStage();
  added = [];
  stored = undefined;
  const next = itemOf(pairOf("next"));
  stage = {
    ...recorder(["show", "addToHistory", "refreshAndSend", "record"], { record: () => ({ key: "recorded" }) }),
    state: newState({ current: itemOf(pairOf("a")) }),
    outbox: { add: (event) => { added.push(event); return stored; } },
    view: { paintedAt: 400, ...recorder(["best", "confirm", "question", "afterPaint"], { afterPaint: (done) => done() }) },
    annotations: recorder(["setVote", "show"]),
    prefetcher: { take: () => next },
    session: recorder(["add"]),
    keptWinner: { stays: (event) => event.keep === true, ...recorder(["await"]) },
  };
  voting = new Voting(stage);
});

test("a vote goes into the outbox with its pair and the time it took, and the next pair is shown", () => {
  voting.vote("left", 1234.4);
  const [{ key, ...event }] = added;
  assert.match(key, /^[0-9a-f]{32}$/);
  assert.deepEqual(event, { kind: "vote", verdict: "left", pair_id: "a", annotator: "ada", response_ms: 834, pair: pairOf("a") });
  const [name, item, pressedAt] = stage.calls.find(([name]) => name === "show");
  assert.deepEqual([name, item.pair.pair_id, pressedAt], ["show", "next", 1234.4]);
  assert.deepEqual(stage.calls[0].slice(0, 1), ["addToHistory"]);
  assert.equal(stage.calls[0][1].key, key);
  const [set, about, images] = stage.annotations.calls[0];
  assert.deepEqual([set, about], ["setVote", added[0]]);
  assert.deepEqual(images.map((image) => image.src), ["img/a-left.png", "img/a-right.png"]);
  assert.deepEqual(stage.view.calls.at(-1), ["confirm", "left"]);
  assert.deepEqual(stage.session.calls, [["add", 1]]);
  assert.equal(stage.names().at(-1), "refreshAndSend");
});

test("where the winner stays, no other pair is shown before the answer", () => {
  stage.state.keep = true;
  voting.vote("left", 900);
  assert.equal(added[0].keep, true);
  assert.deepEqual([stage.keptWinner.calls, stage.names().includes("show")], [[["await", added[0].key]], false]);
  assert.equal(stage.state.current, null);
});

test("in a blind test no winner stays", () => {
  Object.assign(stage.state, { keep: true, trial: "t1" });
  voting.vote("left", 900);
  assert.equal("keep" in added[0], false);
  assert.ok(stage.names().includes("show"));
});

test("a vote before the images were painted took no known time", () => {
  stage.view.paintedAt = 0;
  voting.vote("left", 900);
  assert.equal(added[0].response_ms, null);
});

test("without a journal the next pair waits until the vote is stored", async () => {
  let finish;
  stored = new Promise((resolve) => { finish = resolve; });
  voting.vote("left", 900);
  await settle();
  assert.deepEqual(stage.names(), []);
  finish(1);
  await settle();
  assert.ok(stage.names().includes("show"));
});

test("in a blind test a vote has no annotations", () => {
  Object.assign(stage.state, { trial: "t1", criteria: ["style"] });
  voting.vote("left", 900);
  assert.deepEqual(stage.annotations.calls[0], ["setVote", null]);
  assert.equal(stage.state.asking, null);
});

test("the criteria of the project are asked one after the other, then the next pair is shown", () => {
  stage.state.criteria = ["style", "prompt"];
  voting.vote("left", 900);
  assert.deepEqual(stage.view.calls[0], ["question", "Which one by style?"]);
  const { key } = added[0];
  voting.vote("both_good", 901);
  voting.vote("right", 902);
  assert.deepEqual(stage.view.calls.at(-1), ["question", "Which one by prompt?"]);
  voting.vote("skip", 903);
  assert.deepEqual(stage.calls.filter(([name]) => name === "record"),
    [["record", { of: key, remark: "criterion", name: "style", value: "right" }]]);
  const [, entry] = stage.calls.filter(([name]) => name === "addToHistory").at(-1);
  assert.deepEqual([entry.key, entry.kind, entry.of, entry.asked], ["recorded", "criterion", key, ["style", "prompt"]]);
  assert.equal(stage.calls.filter(([name]) => name === "show").length, 1);
});

test("no criterion is asked of a pair that was skipped", () => {
  stage.state.criteria = ["style"];
  voting.vote("skip", 900);
  assert.equal(stage.state.asking, null);
});

test("of four images the best and the worst are chosen, and the best again takes it back", () => {
  stage.state.current = itemOf(quadOf("q"));
  voting.vote("left", 900);
  assert.deepEqual(added, [], "there is no left of four");
  voting.rank(1, 900);
  voting.rank(1, 901);
  voting.rank(2, 902);
  assert.deepEqual(stage.view.calls.map((call) => call.slice(0, 2)), [["best", 1], ["best", null], ["best", 2]]);
  voting.rank(0, 903);
  assert.deepEqual([added[0].kind, added[0].best, added[0].worst], ["ranking", 2, 0]);
  assert.deepEqual(stage.view.calls.at(-1), ["confirm", "ranking"]);
});

test("four images can be skipped", () => {
  stage.state.current = itemOf(quadOf("q"));
  voting.vote("skip", 900);
  assert.deepEqual([added[0].kind, added[0].best, added[0].worst], ["ranking", null, null]);
});

test("a pair of two has no ranks", () => {
  voting.rank(1, 900);
  assert.deepEqual([added, stage.view.calls], [[], []]);
});

test("a flag is no vote: it does not count", () => {
  voting.flag(900);
  assert.deepEqual([added[0].kind, added[0].note], ["report", ""]);
  assert.deepEqual(stage.session.calls, []);
  assert.deepEqual(stage.view.calls.at(-1), ["confirm", "report"]);
});

test("six actions are verdicts", () => {
  assert.deepEqual(["left", "right", "tie", "both_good", "both_bad", "skip"].map(isVerdict), Array(6).fill(true));
  assert.deepEqual(["undo", "place-1", "LEFT", ""].map(isVerdict), Array(4).fill(false));
});
