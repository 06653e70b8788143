import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { start } from "../../annotate/web/static/vote_gallery.js";
import { settle, stopClock } from "./helpers/clock.js";
import { define, fire, openPage } from "./helpers/dom.js";

const PAGE = '<div><details class="vote-gallery" open><summary></summary><select class="gallery-verdict"></select>'
  + '<input class="gallery-prompt"><p class="gallery-note"></p><ul class="gallery"></ul>'
  + '<button class="gallery-more" hidden></button></details></div>';
const vote = (more = {}) => ({
  pair_id: "p", prompt: "a pie", left_url: "img/1.png", right_url: "img/2.png", vote_key: "k1", verdict: "left",
  strong: true, reasons: ["hands"], criteria: { style: "right" }, at: "2026-01-01T12:00:00Z", fixed: false, ...more,
});
let element;
let clock;
let asked;
let changes;
let server;

beforeEach(() => {
  clock = stopClock();
  element = openPage(PAGE);
  for (const field of element.querySelectorAll(".gallery-verdict, .gallery-prompt")) field.value = "";
  localStorage.setItem("palate-annotator", "ada");
  [asked, changes] = [[], []];
  server = {
    own_votes_page: async (request) => {
      asked.push(request);
      return { ok: true, votes: [vote({ vote_key: `k${asked.length}` })], rankings: [], total: 2, before: asked.length === 1 ? 7 : 0 };
    },
    own_vote_change: async (request) => { changes.push(request); return { ok: true, key: request.key, accepted: true, opens: !request.verdict }; },
  };
});

/** Start the gallery, and wait for its first votes. */
async function open() {
  start({ element, server });
  await settle();
}

const text = (selector) => element.querySelector(selector).textContent;
const button = (name) => element.querySelectorAll(".vote-changes button").find((each) => each.textContent === name);

test("votes are shown with the chosen image marked and what was said, and older ones on demand", async () => {
  await open();
  assert.deepEqual(asked, [{ annotator: "ada", before: 0, verdict: "", prompt: "" }]);
  assert.match(text(".vote-said"), /^Left is better · clearly · hands · style: right · /);
  const figures = element.querySelectorAll("figure");
  assert.deepEqual(figures.map((figure) => figure.hasAttribute("data-chosen")), [true, false]);
  assert.deepEqual([text(".gallery-note"), element.querySelector(".gallery-more").hidden], ["2 votes", false]);
  fire(element.querySelector(".gallery-more"), "click");
  await settle();
  assert.deepEqual([asked[1].before, element.querySelectorAll(".vote-card").length], [7, 2]);
  assert.equal(element.querySelector(".gallery-more").hidden, true);
});

test("once its votes are there it comes into view, unless it was opened in view", async () => {
  await open();
  const [section, summary] = element.querySelectorAll("details, summary");
  fire(section, "toggle");
  assert.deepEqual(section.calls, [], "it is too short yet");
  await settle();
  assert.deepEqual(section.calls, ["scrollIntoView"]);
  summary.focus();
  fire(section, "toggle");
  await settle();
  assert.deepEqual(section.calls.length, 1);
});

test("what is typed filters once it is typed", async () => {
  await open();
  const field = element.querySelector(".gallery-prompt");
  for (const value of ["p", "pi", "pie"]) {
    field.value = value;
    fire(field, "input");
  }
  await clock.tick(400);
  assert.deepEqual(asked.map((request) => request.prompt), ["", "pie"]);
  assert.equal(element.querySelectorAll(".vote-card").length, 1, "other votes go");
});

test("another verdict takes the vote's place, and what was said of it goes", async () => {
  await open();
  fire(element.querySelector(".vote-edit"), "click");
  assert.equal(element.querySelector(".vote-card").hasAttribute("data-editing"), true);
  fire(button("Tie"), "click");
  await settle();
  assert.deepEqual([changes[0].annotator, changes[0].vote_key, changes[0].verdict], ["ada", "k1", "tie"]);
  assert.match(text(".vote-said"), /^Tie · [^·]+$/);
  fire(button("Right"), "click");
  await settle();
  assert.equal(changes[1].vote_key, changes[0].key, "the new vote is changed, not the one before");
});

test("a vote of a blind test that has ended offers no change", async () => {
  server.own_votes_page = async () => ({ ok: true, votes: [vote({ fixed: true })], rankings: [], total: 1, before: 0 });
  await open();
  assert.deepEqual([element.querySelector(".vote-edit"), element.querySelector(".vote-changes")], [null, null]);
  assert.equal(text(".vote-fixed"), "Test has ended");
});

test("on a phone, where the stage has images above each other, they are the first and the second", async () => {
  define("matchMedia", () => ({ matches: true }));
  await open();
  assert.match(text(".vote-said"), /^First is better/);
  assert.deepEqual([Boolean(button("Second")), Boolean(button("Right"))], [true, false]);
});

test("four images at a time are listed with the best and the worst marked, and offer no change", async () => {
  const urls = [1, 2, 3, 4].map((number) => `img/${number}.png`);
  const ranking = { prompt: "a pie", urls, best: 2, worst: 0, at: "2026-01-01T12:00:00Z" };
  server.own_votes_page = async () => ({ ok: true, votes: [], rankings: [ranking], total: 1, before: 0 });
  await open();
  const marked = element.querySelectorAll("figure").map((figure) =>
    ["data-chosen", "data-worst"].filter((name) => figure.hasAttribute(name)).join());
  assert.deepEqual(marked, ["data-worst", "", "data-chosen", ""]);
  assert.match(text(".vote-said"), /^Best and worst of four/);
  assert.deepEqual([element.querySelector(".vote-edit"), text(".gallery-note")], [null, "1 vote"]);
});

test("the same verdict changes nothing, and a vote that is taken back goes", async () => {
  await open();
  fire(button("Left"), "click");
  await settle();
  assert.deepEqual(changes, []);
  fire(button("Take back"), "click");
  await settle();
  assert.deepEqual([changes[0].verdict, element.querySelector(".vote-card")], ["", null]);
  assert.match(text(".gallery-note"), /^Taken back\./);
});

test("the stage is told of every change, and which pair is asked again", async () => {
  const told = [];
  document.addEventListener("palate-vote-changed", ({ detail }) => told.push(detail));
  await open();
  fire(button("Tie"), "click");
  await settle();
  fire(button("Take back"), "click");
  await settle();
  assert.deepEqual(told[0], { key: "k1", pair: null });
  assert.deepEqual(told[1], {
    key: changes[0].key, pair: { pair_id: "p", prompt: "a pie", left_url: "img/1.png", right_url: "img/2.png" },
  });
});

test("who labels on another machine gets small images", async () => {
  await open();
  const sources = element.querySelectorAll(".vote-images img").map((image) => image.src);
  assert.deepEqual(sources, ["http://palate.test/img/1.png?side=512", "http://palate.test/img/2.png?side=512"]);
});

test("what the server says against a change is shown, and the vote stays", async () => {
  server.own_vote_change = async () => ({ ok: false, error: "This vote was given in a blind test that has ended." });
  await open();
  fire(button("Tie"), "click");
  await settle();
  assert.match(text(".gallery-note"), /blind test that has ended/);
  assert.match(text(".vote-said"), /^Left is better/);
  server.own_votes_page = async () => undefined;
  fire(element.querySelector(".gallery-verdict"), "change");
  await settle();
  assert.equal(text(".gallery-note"), "Palate is not answering. Try again in a moment.");
});
