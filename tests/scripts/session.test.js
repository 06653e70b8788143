import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { factsOf, SessionCard } from "../../annotate/web/static/stage/session.js";
import { settle } from "./helpers/clock.js";
import { openStage } from "./helpers/stage_page.js";

const summary = {
  goal: 20, given: 20, kinds: { left: 12, tie: 1, new_kind: 1 }, left_share: 0.6, minutes: 4.2, per_minute: 4.8,
  median_ms: 2340, asked_twice: 3, same_twice: 2, liked: ["bright images", "warm colors"],
};
let element;
let card;
let requests;
let reply;
let pauses;
let reached;
let unsent;

beforeEach(() => {
  element = openStage();
  [requests, pauses, reached, unsent] = [[], [], [], 0];
  reply = { ok: true, session: null };
  card = new SessionCard({
    element,
    call: async (request) => { requests.push(request); return reply; },
    unsent: () => unsent,
    onPaused: (paused) => pauses.push(paused),
    onReached: (goal) => reached.push(goal),
  });
});

const text = (selector) => element.querySelector(selector).textContent;
const open = (given, more = {}) => ({ goal: 20, given, state: "open", ...more });

test("a session shows how far it is", () => {
  assert.equal(text(".session-chip"), "Set a goal");
  card.take(open(5));
  assert.equal(text(".session-chip"), "5 of 20");
  assert.equal(element.querySelector(".session-chip").style.getPropertyValue("--done"), "0.25");
  card.take(open(5, { state: "paused" }));
  assert.equal(text(".session-chip"), "5 of 20 · paused");
  assert.equal(element.querySelector(".session-card").dataset.state, "paused");
});

test("a pause begins and ends once", () => {
  for (const state of ["open", "paused", "paused", "open"]) card.take(open(5, { state }));
  assert.deepEqual(pauses, [true, false]);
  assert.equal(card.paused, false);
});

test("a vote counts at once, and an undo takes it back, never below none", () => {
  card.add(1);
  assert.equal(card.now, null, "without a session there is nothing to count");
  card.take(open(0));
  card.add(1);
  assert.equal(text(".session-chip"), "1 of 20");
  card.add(-1);
  card.add(-1);
  assert.equal(card.now.given, 0);
});

test("reaching the goal is told once, and opens nothing that would take keys", async () => {
  card.take(open(19));
  card.add(1);
  card.take(open(21));
  await settle();
  assert.deepEqual([reached, requests, card.shown], [[20], [], false]);
  assert.equal(text(".session-chip"), "21 of 20 · reached");
});

test("a goal that was reached before the page was loaded is not told again", () => {
  card.take(open(20));
  card.add(1);
  assert.deepEqual(reached, []);
});

test("while votes are unsent the summary has the page's own count", async () => {
  reply = { ok: true, session: open(19), summary: { ...summary, given: 19 } };
  card.take(open(19));
  [unsent, reached] = [1, []];
  card.add(1);
  card.perform("session-summary");
  await settle();
  const given = element.querySelector(".session-facts dd").textContent;
  assert.deepEqual([text(".session-chip"), given], ["20 of 20 · reached", "20 of 20"]);
  assert.equal(text(".session-message"), "The goal is reached. Thank you.");
});

test("a goal is a number of votes", async () => {
  card.perform("session");
  element.querySelector(".session-goal").value = "0";
  card.perform("session-begin");
  assert.equal(text(".session-message"), "A goal is a number of votes.");
  assert.deepEqual(requests, []);
  element.querySelector(".session-goal").value = "50";
  reply = { ok: true, session: { goal: 50, given: 0, state: "open" } };
  card.perform("session-begin");
  await settle();
  assert.deepEqual(requests, [{ action: "begin", goal: 50 }]);
  assert.deepEqual([card.now.goal, card.shown], [50, false]);
});

test("the buttons ask the server, and its refusal is shown", async () => {
  reply = { ok: false, error: "There is no session." };
  card.perform("session");
  for (const action of ["session-pause", "session-on", "session-end", "session-summary"]) {
    card.perform(action);
    await settle();
  }
  assert.deepEqual(requests.map((request) => request.action), ["paused", "open", "ended", "summary"]);
  assert.deepEqual([text(".session-message"), card.shown], ["There is no session.", true]);
  reply = undefined;
  card.perform("session-end");
  await settle();
  assert.equal(text(".session-message"), "The server is not answering. Try again in a moment.");
});

test("the card opens and closes, and gives the keyboard back", () => {
  card.perform("session");
  assert.deepEqual([card.shown, document.activeElement.hasAttribute("autofocus")], [true, true]);
  card.perform("session-close");
  assert.deepEqual([card.shown, document.activeElement], [false, element.querySelector(".stage")]);
});

test("a summary says what was given, and nothing that is not known", () => {
  assert.deepEqual(factsOf(summary), [
    ["Votes", "20 of 20"], ["Time", "4 minutes"], ["Pace", "4.8 per minute"], ["Median time per pair", "2.3 s"],
    ["Left votes", "60 %"], ["Same answer twice", "2 of 3"], ["You prefer", "bright images, warm colors"],
    ["left", "12"], ["ties", "1"], ["new_kind", "1"],
  ]);
  const nothing = { left_share: null, per_minute: null, median_ms: null, asked_twice: 0, liked: [], kinds: {}, minutes: 0.4 };
  assert.deepEqual(factsOf({ ...summary, ...nothing }), [
    ["Votes", "20 of 20"], ["Time", "under a minute"], ["Pace", "–"], ["Median time per pair", "–"], ["Left votes", "–"],
  ]);
});
