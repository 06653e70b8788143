import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Undo } from "../../annotate/web/static/stage/undo.js";
import { fire } from "./helpers/dom.js";
import { itemOf, newState, openStage, pairOf, recorder } from "./helpers/stage_page.js";

let stage;
let undoer;
let added;

beforeEach(() => {
  const element = openStage();
  added = [];
  stage = {
    element,
    ...recorder(["show", "refresh", "refreshAndSend"]),
    state: newState({ current: itemOf(pairOf("now")) }),
    outbox: { add: (event) => { added.push(event); } },
    view: recorder(["note"]),
    annotations: recorder(["setVote", "show", "takeBack", "forget"]),
    prefetcher: recorder(["prepare", "putBack", "drop"], { prepare: itemOf }),
    session: recorder(["add"]),
    voting: recorder(["askCriterion"]),
    keptWinner: recorder(["takeBack"]),
  };
  undoer = new Undo(stage);
});

const given = (more = {}) => ({ key: "a", kind: "vote", item: itemOf(pairOf("before")), ...more });
const shown = () => stage.calls.filter(([name]) => name === "show").map(([, item]) => item.pair.pair_id);

test("the last vote is taken back at once: its pair is shown, and the present one comes next", async () => {
  stage.state.history = [given({ key: "first" }), given()];
  await undoer.undo(900);
  const [{ key, ...event }] = added;
  assert.match(key, /^[0-9a-f]{32}$/);
  assert.deepEqual(event, { kind: "undo", of: "a", annotator: "ada", opened: "before" });
  assert.deepEqual(shown(), ["before"]);
  assert.equal(stage.prefetcher.calls[0][1].pair.pair_id, "now");
  assert.deepEqual(stage.session.calls, [["add", -1]]);
  assert.deepEqual(stage.view.calls, [["note", "Your vote is taken back. Choose again."]]);
  assert.deepEqual(stage.annotations.calls[0], ["setVote", null]);
  assert.deepEqual(stage.state.history.map((entry) => entry.key), ["first"]);
  assert.equal(stage.names().at(-1), "refreshAndSend");
});

test("an annotation is taken back without another pair", async () => {
  stage.state.history = [{ key: "r", kind: "reason", of: "a", name: "hands" }];
  await undoer.undo(900);
  assert.deepEqual(stage.annotations.calls, [["takeBack", "a", "hands"]]);
  assert.deepEqual([shown(), stage.session.calls], [[], []]);
  assert.equal("opened" in added[0], false);
});

test("an answer is asked for again", async () => {
  stage.state.history = [given({ kind: "criterion", of: "v", asked: ["style", "prompt"] })];
  await undoer.undo(900);
  assert.deepEqual(stage.voting.calls, [["askCriterion", "v", ["style", "prompt"]]]);
  assert.deepEqual(stage.session.calls, [], "it was no vote");
});

test("images that are still loading are waited for, and broken ones are not shown", async () => {
  const item = { pair: pairOf("before"), images: null, broken: false };
  item.loaded = Promise.resolve().then(() => { item.images = []; });
  stage.state.history = [given({ item: { ...item, loaded: Promise.resolve() } }), given({ item })];
  await undoer.undo(900);
  assert.deepEqual(shown(), ["before"]);
  await undoer.undo(901);
  assert.deepEqual(shown(), ["before"]);
});

test("with nothing of this page to take back the server is asked, and no pair comes meanwhile", async () => {
  await undoer.undo(900);
  const [event] = added;
  assert.equal(event.of, "");
  assert.equal(stage.state.pendingUndo, event.key);
  const undone = { key: "elsewhere", kind: "vote" };
  await undoer.answered(event, { undone, opens: true, note: "Your vote is taken back. Choose again.", pair: pairOf("old") });
  assert.deepEqual(shown(), ["old"]);
  assert.equal(stage.state.pendingUndo, null);
  assert.equal(stage.names().at(-1), "refresh");
});

test("an answer that was expected changes nothing and is not said twice", async () => {
  const event = { kind: "undo", key: "u", of: "a", opened: "now" };
  const undone = { key: "a", kind: "vote" };
  await undoer.answered(event, { undone, opens: true, note: "Your vote is taken back. Choose again.", pair: pairOf("now") });
  assert.deepEqual([shown(), stage.view.calls], [[], []]);
  assert.notEqual(stage.state.current, null);
});

test("a later event of another device goes first: its pair is shown in place of the expected one", async () => {
  stage.state.history = [given()];
  const event = { kind: "undo", key: "u", of: "a", opened: "now" };
  const undone = { key: "other", kind: "criterion", of: "v", name: "style" };
  await undoer.answered(event, { undone, opens: false, note: "The answer is taken back.", pair: pairOf("old") });
  assert.deepEqual(stage.state.history, []);
  assert.deepEqual(shown(), ["old"]);
  assert.deepEqual(stage.prefetcher.names(), ["prepare"], "the pair that was opened by mistake does not come back");
  assert.deepEqual(stage.voting.calls, [["askCriterion", "v", ["style"]]]);
  assert.deepEqual(stage.view.calls, [["note", "The answer is taken back."]]);
});

test("a later annotation of another device is taken back", async () => {
  const event = { kind: "undo", key: "u", of: "a" };
  const undone = { key: "other", kind: "reason", of: "v", name: "hands" };
  await undoer.answered(event, { undone, opens: false, note: "The reason is taken back.", pair: pairOf("old") });
  assert.deepEqual(stage.annotations.calls, [["takeBack", "v", "hands"]]);
  assert.deepEqual(shown(), []);
});

test("a pair whose flag stays is not shown", async () => {
  const event = { kind: "undo", key: "u", of: "a", opened: "now" };
  await undoer.answered(event, { undone: { key: "a", kind: "report" }, opens: false, note: "An admin has decided.", pair: pairOf("now") });
  assert.equal(stage.state.current, null);
  assert.deepEqual(stage.view.calls, [["note", "An admin has decided."]]);
});

const change = (detail) => fire(document, "palate-vote-changed", { detail });

test("a vote that is changed in the gallery has no reasons any more, and the server tells what is undone next", async () => {
  stage.state.history = [given({ key: "first" }), given()];
  change({ key: "a", pair: null });
  assert.deepEqual([stage.annotations.calls, stage.prefetcher.calls], [[["forget", "a"]], []]);
  await undoer.undo(900);
  assert.equal(added[0].of, "");
  stage.element.remove();
  change({ key: "b", pair: null });
  assert.equal(stage.annotations.calls.filter(([name]) => name === "forget").length, 1);
});

test("a pair whose vote is taken back in the gallery comes next, once", () => {
  change({ key: "a", pair: pairOf("before") });
  assert.deepEqual(stage.prefetcher.names(), ["drop", "prepare", "putBack"]);
  for (const [name, value] of [["four", true], ["trial", "t1"]]) {
    Object.assign(stage.state, { four: false, trial: "", [name]: value });
    change({ key: "a", pair: pairOf("before") });
  }
  Object.assign(stage.state, { four: false, trial: "" });
  change({ key: "a", pair: pairOf("now") });
  assert.equal(stage.prefetcher.calls.length, 3, "four images and a blind test go on, and what is shown stays");
});
