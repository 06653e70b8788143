import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { fetchAccount, keepOwnEvents, showAccount, watchAccount } from "../../annotate/web/static/stage/account.js";
import { keepsWinners, Modes } from "../../annotate/web/static/stage/modes.js";
import { Status } from "../../annotate/web/static/stage/status.js";
import { restoreTab } from "../../annotate/web/static/stage/tabs.js";
import { stopClock } from "./helpers/clock.js";
import { define, fire, openPage, parse } from "./helpers/dom.js";
import { newState, openStage, recorder } from "./helpers/stage_page.js";

const root = new URL("http://palate.test/");
let element;
let stage;
let clock;
let asked;
let reply;

beforeEach(() => {
  clock = stopClock();
  element = openStage();
  [asked, reply] = [[], undefined];
  stage = {
    ...recorder(["startOver", "refresh"]),
    element,
    root,
    state: newState(),
    server: { stage_status: async (request) => { asked.push(request); return typeof reply === "function" ? reply() : reply; } },
    outbox: { events: [] },
    view: { name: { value: "" }, ...recorder(["note", "mode", "keeping"]) },
    statusView: recorder(["blindTest", "machine", "status"]),
    annotations: recorder(["setReasons"]),
    session: recorder(["take"]),
    prompts: recorder(["allow"]),
  };
  stage.status = recorder(["update"]);
  stage.modes = new Modes(stage);
});

// ---- modes ----------------------------------------------------------------------------------
test("another name starts over, is cleaned, and is remembered", () => {
  stage.view.name.value = "  bob\u0007 ";
  stage.modes.changeName();
  assert.deepEqual([stage.state.annotator, stage.view.name.value, localStorage.getItem("palate-annotator")], ["bob", "bob", "bob"]);
  assert.deepEqual([stage.names(), stage.status.names()], [["startOver"], ["update"]]);
  stage.view.name.value = "x".repeat(70);
  stage.modes.changeName();
  assert.equal(stage.state.annotator.length, 64);
});

test("an empty name is none, and the same name changes nothing", () => {
  stage.view.name.value = "   ";
  stage.modes.changeName();
  assert.deepEqual([stage.state.annotator, stage.view.name.value, stage.names()], ["ada", "ada", []]);
});

test("four images can be asked for, but not in a blind test", () => {
  stage.modes.toggleFour();
  assert.deepEqual([stage.state.four, sessionStorage.getItem("palate-four")], [true, "on"]);
  stage.modes.setBlindTest("t1");
  assert.deepEqual([stage.state.four, stage.state.trial, sessionStorage.getItem("palate-trial")], [false, "t1", "t1"]);
  assert.deepEqual(stage.statusView.calls.at(-1), ["blindTest", { trial: "t1" }]);
  stage.modes.toggleFour();
  assert.equal(stage.state.four, false);
  assert.deepEqual(stage.view.calls.at(-1), ["note", "A blind test shows two at a time."]);
  stage.modes.setBlindTest("");
  assert.deepEqual(stage.statusView.calls.at(-1), ["blindTest", null]);
});

test("winners stay for one annotator, also after a reload, but neither among four nor in a blind test", () => {
  stage.modes.toggleKeep();
  assert.deepEqual([stage.state.keep, keepsWinners("ada"), keepsWinners("bob")], [true, true, false]);
  assert.deepEqual(stage.view.calls.find(([name]) => name === "keeping"), ["keeping", true]);
  assert.deepEqual(stage.names(), [], "the pair that is shown stays");
  stage.modes.toggleFour();
  assert.deepEqual([stage.state.four, stage.state.keep], [true, false]);
  stage.modes.toggleKeep();
  assert.deepEqual([stage.state.four, stage.state.keep, stage.names()], [false, true, ["startOver", "startOver"]]);
  stage.modes.setBlindTest("t1");
  assert.deepEqual(stage.view.calls.at(-1), ["keeping", false], "the button does not say that one stays");
  stage.modes.toggleKeep();
  assert.equal(stage.state.keep, true);
  assert.deepEqual(stage.view.calls.at(-1), ["note", "A blind test shows new images only."]);
});

test("another annotator keeps winners or not by their own choice", () => {
  stage.modes.toggleKeep();
  stage.view.name.value = "bob";
  stage.modes.changeName();
  assert.equal(stage.state.keep, false);
  stage.view.name.value = "ada";
  stage.modes.changeName();
  assert.equal(stage.state.keep, true);
});

test("a blind test's card opens the Label tab, for as long as the stage is there", () => {
  const [tab] = parse('<button id="label-tab-button"></button>');
  document.body.append(tab);
  stage.modes.listen();
  document.dispatchEvent(new CustomEvent("palate-trial", { detail: "t1" }));
  assert.deepEqual([stage.state.trial, tab.calls], ["t1", ["click"]]);
  element.remove();
  document.dispatchEvent(new CustomEvent("palate-trial", { detail: "t2" }));
  assert.deepEqual([stage.state.trial, document.listenerCount("palate-trial")], ["t1", 0]);
});

// ---- status ---------------------------------------------------------------------------------
const answer = (more = {}) => ({
  ok: true, stats: { votes: 3 }, activity: { message: "Rendering.", sampler: { state: "ready" } }, train_every: 40,
  trial: null, project: { reasons: ["hands"], criteria: ["style"] }, session: { goal: 9, given: 1, state: "open" }, may_add_prompts: false, ...more,
});

test("the status is asked for in the annotator's name, and taken", async () => {
  reply = answer();
  await new Status(stage).update();
  assert.deepEqual(asked, [{ annotator: "ada", trial: "" }]);
  const { stats, every, model, criteria } = stage.state;
  assert.deepEqual([stats, every, model, criteria], [{ votes: 3 }, 40, { state: "ready" }, ["style"]]);
  assert.deepEqual(stage.annotations.calls, [["setReasons", ["hands"]]]);
  assert.deepEqual(stage.prompts.calls, [["allow", false]]);
  assert.deepEqual(stage.session.calls, [["take", reply.session]]);
  assert.deepEqual(stage.statusView.calls.at(-1), ["status", "Rendering.", "calm"]);
  assert.deepEqual(stage.names(), ["refresh"]);
});

test("while a blind test is mixed in, whoever keeps winners is told once that they do not stay", async () => {
  const mixed = { votes: 3, counts: { again: null } };
  stage.state.keep = true;
  reply = answer({ stats: mixed });
  await new Status(stage).update();
  await new Status(stage).update();
  const told = stage.view.calls.filter(([name]) => name === "note");
  assert.deepEqual(told, [["note", "While a blind test comes in between, winners do not stay: two new images each time."]]);
  stage.state.stats = null;
  reply = answer({ stats: mixed, activity: { message: "Ready." } });
  await new Status(stage).update();
  assert.equal(stage.view.calls.at(-1)[1], "For now two new images each time; winners stay again later.", "labelers");
  stage.state.keep = false;
  stage.modes.toggleKeep();
  assert.match(stage.view.calls.at(-1)[1], /^While a blind test/);
});

test("with unsent votes the page's own count of the session stays", async () => {
  reply = answer();
  stage.outbox.events = [{}];
  await new Status(stage).update();
  assert.deepEqual(stage.session.calls, []);
});

test("an answer for another annotator is dropped", async () => {
  reply = () => { stage.state.annotator = "bob"; return answer(); };
  await new Status(stage).update();
  assert.deepEqual([stage.state.stats, stage.names()], [null, []]);
});

test("a blind test that has ended is left, and so is one that the server refuses", async () => {
  for (const [trial, said] of [[answer({ trial: { state: "ended", note: "It is decided." } }), "It is decided."],
    [{ ok: false, error: "There is no such test.", retry: false }, "This blind test has ended."]]) {
    stage.state.trial = "t1";
    reply = trial;
    await new Status(stage).update();
    assert.equal(stage.state.annotator && stage.state.trial, "");
    assert.deepEqual(stage.view.calls.filter(([name]) => name === "note").at(-1), ["note", said, "problem"]);
  }
});

test("an outage says whether the server is gone or does not know the page", async () => {
  define("fetch", async () => { throw new Error("refused"); });
  await new Status(stage).update();
  define("fetch", async () => ({ ok: true }));
  await new Status(stage).update();
  reply = { ok: false, error: "The disk is full." };
  await new Status(stage).update();
  assert.deepEqual(stage.statusView.calls.filter(([name]) => name === "status").map(([, text]) => text), [
    "The server is not answering. Trying again.",
    "Palate answers, but not to this page. If that goes on, reload it.",
    "The disk is full.",
  ]);
});

test("the status is asked for every 2.5 s, less often in the background, and no more once the stage is gone", async () => {
  reply = answer();
  new Status(stage).poll();
  await clock.tick(2500);
  assert.equal(asked.length, 2);
  document.hidden = true;
  await clock.tick(2500);
  await clock.tick(14_999);
  assert.equal(asked.length, 3);
  await clock.tick(1);
  assert.equal(asked.length, 4);
  element.remove();
  await clock.tick(60_000);
  assert.equal(asked.length, 4);
});

// ---- the account ----------------------------------------------------------------------------
const signedIn = (html = "") => openPage(`<div><meta name="palate-sign-in" content="on">${html}</div>`);
const answers = (...all) => define("fetch", async (url) => {
  asked.push(url.href);
  const next = all.length > 1 ? all.shift() : all[0];
  if (next instanceof Error) throw next;
  return next;
});
const person = { name: "ada", account: true };

test("without sign-in there is no account, and nobody is asked", async () => {
  answers(new Error("asked"));
  assert.equal(await fetchAccount(root), null);
  assert.deepEqual(asked, []);
});

test("the account is asked for until the server answers", async () => {
  signedIn();
  answers(new Error("gone"), { ok: false, status: 502 }, { ok: true, json: async () => person });
  let found;
  fetchAccount(root).then((answer) => { found = answer; });
  await clock.tick(1500);
  assert.equal(found, undefined);
  await clock.tick(1500);
  assert.deepEqual([found, asked.length, asked[0]], [person, 3, "http://palate.test/me"]);
});

test("a page whose sign-in has ended reloads", async () => {
  signedIn();
  answers({ ok: false, status: 401 }, { ok: true, json: async () => person });
  fetchAccount(root);
  await clock.tick(0);
  assert.equal(location.reloads, 1);
});

test("a page reloads once somebody else is signed in", async () => {
  const page = signedIn();
  answers({ ok: true, json: async () => person }, { ok: true, json: async () => ({ name: "bob", account: true }) });
  watchAccount(page, root, person);
  await clock.tick(0);
  assert.equal(location.reloads, 0);
  await clock.tick(15_000);
  assert.equal(location.reloads, 1);
});

test("unsent votes of other people are not sent", () => {
  const outbox = { events: [{ annotator: "ada" }, { annotator: "bob" }] };
  keepOwnEvents(outbox, null);
  assert.equal(outbox.events.length, 2);
  keepOwnEvents(outbox, person);
  assert.deepEqual(outbox.events, [{ annotator: "ada" }]);
});

test("the page says who is signed in, and offers a password where Palate keeps it", () => {
  const badge = openPage('<div data-palate-account hidden><b></b><span class="account-actions"></span></div>');
  showAccount(null);
  assert.equal(badge.hidden, true);
  showAccount({ name: "ada", account: false });
  assert.deepEqual([badge.hidden, badge.textContent, badge.querySelector("span").hidden], [false, "ada", true]);
  showAccount(person);
  assert.equal(badge.querySelector("span").hidden, false);
});

// ---- the open tab ---------------------------------------------------------------------------
test("a reload keeps the tab that was open", () => {
  const html = '<div><button role="tab" id="label" aria-selected="true">Label</button><button role="tab" id="compare">Compare</button></div>';
  const tabs = openPage(html);
  restoreTab();
  fire(tabs.querySelector("#compare"), "click");
  const kept = sessionStorage.getItem("palate-tab");
  const again = openPage(html);
  sessionStorage.setItem("palate-tab", kept);
  restoreTab();
  assert.deepEqual(again.querySelector("#compare").calls, ["click"]);
  assert.deepEqual(again.querySelector("#label").calls, []);
});
