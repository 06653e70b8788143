import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { perform } from "../../annotate/web/static/stage/actions.js";
import { settle } from "./helpers/clock.js";
import { parse } from "./helpers/dom.js";
import { itemOf, newState, openStage, pairOf, quadOf, recorder } from "./helpers/stage_page.js";

let stage;
let reply;

beforeEach(() => {
  openStage();
  reply = { ok: true, sampler: { state: "loading" } };
  stage = {
    ...recorder(["refresh"]),
    state: newState({ current: itemOf(pairOf("a")) }),
    server: { stage_retry_model: async () => reply },
    view: Object.assign(recorder(["toggleHelp", "closeHelp", "showKeys", "note"]), {
      covered: false, tools: Object.assign(recorder(["toggle", "close"]), { open: false }),
    }),
    keys: recorder(["reset"]),
    magnifier: recorder(["reset", "difference", "pixels", "full"]),
    annotations: recorder(["toggle", "redraw", "open"]),
    session: Object.assign(recorder(["perform", "close"]), { shown: false }),
    voting: recorder(["vote", "rank", "flag"]),
    undoer: recorder(["undo"]),
    modes: recorder(["toggleFour", "setBlindTest"]),
    prompts: recorder(["more", "toggle"]),
    prefetcher: recorder(["refill"]),
  };
});

test("every action goes to the part that does it", () => {
  for (const [action, part, call] of [
    ["left", "voting", ["vote", "left", 7]], ["skip", "voting", ["vote", "skip", 7]], ["report", "voting", ["flag", 7]],
    ["undo", "undoer", ["undo", 7]], ["clear", "annotations", ["toggle", "clear"]], ["reason-2", "annotations", ["toggle", "reason-2"]],
    ["more", "prompts", ["more"]], ["prompt", "prompts", ["toggle"]],
    ["four", "modes", ["toggleFour"]], ["leave", "modes", ["setBlindTest", ""]], ["help", "view", ["toggleHelp", stage.keys]],
    ["difference", "magnifier", ["difference"]], ["pixels", "magnifier", ["pixels"]], ["full", "magnifier", ["full"]],
    ["unzoom", "magnifier", ["reset"]], ["why", "annotations", ["open"]], ["session-begin", "session", ["perform", "session-begin"]],
  ]) {
    stage[part].calls.length = 0;
    perform(stage, action, 7);
    assert.deepEqual(stage[part].calls, [call], action);
  }
});

test("a rank is its place, and four images have no flag and nothing to inspect", () => {
  stage.state.current = itemOf(quadOf("q"));
  for (const action of ["place-3", "report", "difference", "pixels"]) perform(stage, action, 7);
  assert.deepEqual(stage.voting.calls, [["rank", 3, 7]]);
  assert.deepEqual(stage.magnifier.calls, []);
});

test("under a card nothing is voted on or undone, but the help and the session answer", () => {
  stage.view.covered = true;
  for (const action of ["left", "undo", "clear", "four", "difference", "help", "session"]) perform(stage, action, 7);
  assert.deepEqual([stage.voting.calls, stage.undoer.calls, stage.annotations.calls, stage.modes.calls, stage.magnifier.calls], [[], [], [], [], []]);
  assert.deepEqual([stage.view.names(), stage.session.names()], [["toggleHelp"], ["perform"]]);
});

test("without images nothing is voted on, but what was given can be undone", () => {
  stage.state.current = null;
  for (const action of ["left", "place-0", "report", "undo"]) perform(stage, action, 7);
  assert.deepEqual([stage.voting.calls, stage.undoer.names()], [[], ["undo"]]);
});

test("an unknown action does nothing", () => {
  perform(stage, "", 7);
  perform(stage, "dance", 7);
  assert.deepEqual([stage.voting.calls, stage.magnifier.calls], [[], []]);
});

test("Esc closes what is open, and goes back from four images", () => {
  perform(stage, "close", 7);
  assert.deepEqual([stage.magnifier.names(), stage.view.names()], [["reset"], ["closeHelp"]]);
  stage.session.shown = true;
  perform(stage, "close", 7);
  assert.deepEqual(stage.session.names(), ["close"]);
  stage.state.four = true;
  perform(stage, "close", 7);
  assert.deepEqual(stage.modes.names(), ["toggleFour"]);
  stage.view.covered = true;
  perform(stage, "close", 7);
  assert.deepEqual(stage.modes.names(), ["toggleFour"], "first the card is closed");
});

test("the button of the tools opens them", () => {
  perform(stage, "tools", 7);
  assert.deepEqual(stage.view.tools.calls, [["toggle"]]);
});

test("one's own votes are opened below the stage", () => {
  perform(stage, "votes", 7);
  const [gallery] = parse('<div id="vote-gallery"><details></details></div>');
  document.body.append(gallery);
  perform(stage, "votes", 7);
  assert.deepEqual([gallery.children[0].open, gallery.children[0].calls], [true, ["scrollIntoView"]]);
  let loaded = 0;
  gallery.children[0].addEventListener("toggle", () => { loaded += 1; });
  perform(stage, "votes", 7);
  assert.equal(loaded, 1, "those given since it was opened are shown, too");
});

test("Esc closes the tools and nothing else, or else the reasons that a phone shows", () => {
  stage.state.four = true;
  stage.view.tools.open = true;
  perform(stage, "close", 7);
  assert.deepEqual([stage.view.tools.names(), stage.modes.names(), stage.annotations.calls], [["close"], [], []]);
  stage.view.tools.open = false;
  perform(stage, "close", 7);
  assert.deepEqual([stage.annotations.calls, stage.modes.names()], [[["open", false]], ["toggleFour"]]);
});

test("default keys are shown everywhere at once", () => {
  perform(stage, "keys-reset", 7);
  assert.deepEqual([stage.keys.names(), stage.annotations.names(), stage.view.names()], [["reset"], ["redraw"], ["showKeys"]]);
});

test("the result of a blind test is on its tab", () => {
  const [tab] = parse('<button id="judge-tab-button"></button>');
  document.body.append(tab);
  perform(stage, "blind-test", 7);
  assert.deepEqual(tab.calls, ["click"]);
});

test("a model that failed is tried again, and a refusal is shown", async () => {
  perform(stage, "retry", 7);
  await settle();
  assert.deepEqual([stage.state.model, stage.prefetcher.names(), stage.names()], [{ state: "loading" }, ["refill"], ["refresh"]]);
  reply = { ok: false, error: "It is loading already." };
  perform(stage, "retry", 7);
  await settle();
  reply = undefined;
  perform(stage, "retry", 7);
  await settle();
  assert.deepEqual(stage.view.calls, [["note", "It is loading already.", "problem"], ["note", "The server is not answering.", "problem"]]);
});
