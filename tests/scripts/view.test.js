import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Keys } from "../../annotate/web/static/stage/keys.js";
import { PaceHint } from "../../annotate/web/static/stage/pace_hint.js";
import { StatusView } from "../../annotate/web/static/stage/status_view.js";
import { stepsOf } from "../../annotate/web/static/stage/steps.js";
import { StageView } from "../../annotate/web/static/stage/view.js";
import { costOfVotes, explainWait } from "../../annotate/web/static/stage/waiting.js";
import { plural } from "../../annotate/web/static/stage/wording.js";
import { stopClock } from "./helpers/clock.js";
import { define, fire } from "./helpers/dom.js";
import { itemOf, openStage, pairOf, quadOf } from "./helpers/stage_page.js";

let element;
let view;
let clock;
const text = (selector) => element.querySelector(selector).textContent;
const shown = (selector) => !element.querySelector(selector).hidden;

beforeEach(() => {
  clock = stopClock();
  element = openStage();
  view = new StageView(element);
});

test("a pair is shown with its images and prompt, and when it was painted is noted", async () => {
  view.show(itemOf(pairOf("a")), 999_000);
  assert.equal(view.stage.dataset.state, "pair");
  assert.deepEqual([element.dataset.pair, text(".prompt"), view.paintedAt], ["a", "prompt of a", 0]);
  assert.deepEqual(element.querySelectorAll(".pair img").map((image) => image.src), ["img/a-left.png", "img/a-right.png"]);
  await clock.tick(16);
  assert.equal(view.paintedAt, 1_000_000);
  assert.equal(element.dataset.swapMs, "1000.0");
});

test("a stage that is scrolled out of sight takes no keys, and one that fills the screen does", () => {
  view.stage.box = { left: 0, top: -100, width: 900, height: 700 };
  assert.equal(view.shown, true);
  view.stage.box = { ...view.stage.box, top: -400 };
  assert.equal(view.shown, false, "what is voted on cannot be seen");
  document.fullscreenElement = view.stage;
  assert.equal(view.shown, true);
  document.fullscreenElement = null;
  view.stage.box = { ...view.stage.box, top: 0, height: 3000 };
  assert.equal(view.shown, true, "taller than the window");
});

test("a page in the background never paints, so nothing waits for it", async () => {
  document.hidden = true;
  define("requestAnimationFrame", () => {});
  const painted = [];
  view.afterPaint((now) => painted.push(now));
  await clock.tick(0);
  assert.deepEqual(painted, [1_000_000]);
});

test("of four the best is asked for, then the worst", () => {
  view.show(itemOf(quadOf("q")));
  assert.equal(element.querySelectorAll(".four img").length, 4);
  assert.equal(text(".question"), "Which one is the best?");
  view.best(2);
  assert.equal(text(".question"), "And which one is the worst?");
  assert.deepEqual(element.querySelectorAll("[data-best]").map((each) => each.dataset.place), ["2"]);
  view.best(null);
  assert.equal(element.querySelectorAll("[data-best]").length, 0);
});

test("a pair's own question is shown, and none where there is none", () => {
  view.show(itemOf(pairOf("a", { question: "Which one is a cat?" })));
  assert.deepEqual([text(".question"), shown(".question")], ["Which one is a cat?", true]);
  view.show(itemOf(pairOf("b")));
  assert.equal(shown(".question"), false);
});

test("while winners stay each pair says whether one does, so that the images do not jump", () => {
  const told = () => element.querySelector(".question").hasAttribute("data-told");
  view.keeping(true);
  view.show(itemOf(pairOf("a")));
  assert.deepEqual([text(".question"), shown(".question"), told()], ["Two new images", true, true]);
  view.show(itemOf(pairOf("b", { in_a_row: 2 })));
  assert.deepEqual([text(".question"), shown(".question"), told()], ["The winner stays, 2 of 5", true, true]);
  view.show(itemOf(pairOf("c", { question: "Which one is a cat?" })));
  assert.deepEqual([text(".question"), told()], ["Which one is a cat?", false]);

  view.show(itemOf(pairOf("d")));
  view.keeping(false);
  assert.equal(shown(".question"), false);
});

test("an empty stage says why", () => {
  view.showEmpty("Paused", "Others get your pairs meanwhile.", { paused: true });
  assert.deepEqual([view.stage.dataset.state, text(".empty-title"), text(".empty-detail")],
    ["empty", "Paused", "Others get your pairs meanwhile."]);
  assert.equal(view.stage.hasAttribute("data-paused"), true);
  view.showEmpty("Waiting for a pair", "");
  assert.equal(view.stage.hasAttribute("data-paused"), false);
});

test("what is being rendered is shown in the place of the images to come", () => {
  const places = () => element.querySelectorAll(".placeholders i").map((place) => place.hasAttribute("data-preview"));
  view.showEmpty("Rendering the next pairs.", "Image 1 of 2, step 3 of 30, about 20 s.", { previews: ["data:image/jpeg;base64,AA"] });
  assert.deepEqual(places(), [true, false]);
  view.showEmpty("Rendering the next pairs.", "");
  assert.deepEqual(places(), [false, false]);
});

test("who may not add prompts finds no key for it in the help", () => {
  const offered = () => element.querySelectorAll(".pick").map((pick) => pick.getAttribute("data-pick"));
  view.showKeys(new Keys());
  assert.equal(offered().includes("prompt"), true);
  element.querySelector('.tool[data-action="prompt"]').hidden = true;
  view.showKeys(new Keys());
  assert.deepEqual([offered().includes("prompt"), offered().includes("more")], [false, true]);
});

test("a vote is confirmed with the key that undoes it, and the note goes", async () => {
  view.showKeys(new Keys());
  view.confirm("left");
  assert.equal(text(".note"), "Left. Z undoes it.");
  assert.deepEqual(element.querySelector('.pair [data-verdict="left"]').calls, ["animate"]);
  await clock.tick(2500);
  assert.equal(text(".note"), "");
  view.note("The vote was refused.", "problem");
  await clock.tick(2500);
  assert.equal(text(".note"), "The vote was refused.", "a problem stays longer");
  view.confirm("report");
  assert.equal(text(".note"), "Flagged: hidden until an admin has looked at it.");
});

test("the help lists every key, and shows the present ones on the buttons", () => {
  const keys = new Keys();
  keys.set("skip", "k");
  view.toggleHelp(keys);
  assert.deepEqual([shown(".help-card"), view.covered], [true, true]);
  assert.equal(element.querySelector('[data-key="skip"]').textContent, "K");
  assert.equal(element.querySelectorAll(".pick").length, keys.all().length);
  assert.equal(element.querySelector('.pick[data-pick="skip"]').getAttribute("aria-label"),
    "skip, you would rather not say: K. Choose another key");
  assert.equal(shown('[data-action="keys-reset"]'), true);
  view.toggleHelp(keys);
  assert.deepEqual([view.covered, document.activeElement], [false, view.stage]);
});

test("counts say what is saved, and what is unsent with the reason", () => {
  const counts = { votes: 1, acked: 3, ready: 5, unsent: 0, error: "", durable: true };
  const status = new StatusView(element);
  status.counts(counts);
  assert.deepEqual([text(".saved"), shown(".unsent"), element.dataset.ready], ["1 vote saved", false, "5"]);
  status.counts({ ...counts, votes: null, unsent: 2, error: "The disk is full.", durable: false });
  assert.deepEqual([text(".saved"), text(".unsent"), shown(".not-stored")], ["", "2 unsent", true]);
  assert.equal(element.querySelector(".unsent").title, "The disk is full.");
});

test("the bar fills up to the next fine-tune, and is hidden where none is planned", () => {
  const status = new StatusView(element);
  const situation = { every: 40, until: 30, choices: 10, run: null, newest: null, seen: null };
  const show = (more) => status.progress(stepsOf({ ...situation, ...more }));
  show({});
  assert.equal(text(".progress-text"), "10 of 40 choices until the next tuning");
  assert.equal(element.querySelector(".fill").style.inlineSize, "25%");
  show({ until: -5, choices: 45 });
  assert.equal(text(".progress-text"), "40 choices: tuning starts soon");
  show({ every: 0, until: null, choices: 7 });
  assert.deepEqual([shown(".track"), text(".progress-text")], [false, "7 choices"]);
});

test("a newcomer sees three steps, and a button once there is a result", () => {
  const status = new StatusView(element);
  const situation = { every: 40, until: 30, choices: 10, run: null, newest: null, seen: "-" };
  status.progress(stepsOf(situation));
  const steps = () => [".progress-text", ".tuning-text", ".result-text"].map(text);
  assert.deepEqual(steps(), ["10 of 40 choices", "then the model is tuned", "you see whether it changed"]);
  assert.deepEqual([element.querySelector(".steps").dataset.step, shown(".see-change")], ["1", false]);
  status.progress(stepsOf({ ...situation, newest: "v1" }));
  assert.deepEqual([element.querySelector(".steps").dataset.step, shown(".see-change")], ["3", true]);
  assert.equal(text(".see-change"), "v1 is ready: see what changed");
});

test("a blind test shows how far it is, and not who leads", () => {
  const status = new StatusView(element);
  const told = (more) => {
    status.blindTest({ before: "base", after: "v1", ...more });
    return text(".blind-test-text");
  };
  assert.equal(told({}), "Blind test of v1 against base · say which is better");
  assert.equal(told({ votes: 9, votes_needed: [4, 12] }), "Blind test of v1 against base · 9 votes · about 4 to 12 votes to go");
  assert.equal(told({ votes: 9, votes_needed: [4, 4] }), "Blind test of v1 against base · 9 votes · about 4 votes to go");
  assert.equal(told({ votes: 9, votes_needed: [90, 4000] }), "Blind test of v1 against base · 9 votes · about 90 to 1,000 or more votes to go");
  assert.equal(told({ votes: 9, votes_needed: [1, 1] }), "Blind test of v1 against base · 9 votes · about 1 vote to go");
  assert.equal(told({ votes: 9, settled: true }), "Blind test of v1 against base · 9 votes · the outcome is clear");
  assert.equal(element.dataset.settled, "true");
  assert.equal(told({ problem: "It cannot be rendered." }), "Blind test of v1 against base · It cannot be rendered.");
  status.blindTest(null);
  assert.equal(shown(".blind-test"), false);
});

test("why there are no images, and when there will be some", () => {
  const prefetcher = { reachable: true, reason: "", waiting: [], readyAt: 0 };
  const why = (more = {}, ahead = {}) =>
    explainWait({ paused: false, unsent: 0, model: null, now: 0, stats: null, prefetcher: { ...prefetcher, ...ahead }, ...more });
  assert.deepEqual(why(), { title: "Waiting for a pair", detail: "" });
  assert.equal(why({ paused: true }).title, "Paused");
  assert.equal(why({ unsent: 2 }, { reachable: false }).detail,
    "Trying again every second. Your votes are kept here and will be sent.");
  assert.deepEqual(why({}, { reachable: false, reason: "It is full." }), { title: "No pair just now", detail: "It is full." });
  assert.equal(why({}, { waiting: [1] }).title, "Loading the images");
  assert.deepEqual(why({ model: { state: "failed", detail: "No file.", advice: "Put it back." } }),
    { title: "The image model cannot be used", detail: "No file. Put it back.", failed: true });
  assert.equal(why({}, { reason: "Rendering.", readyAt: 4100 }).detail, "About 5 seconds to go.");
  assert.equal(why({ model: { state: "loading" } }, { reason: "Loading." }).detail, "A large model takes minutes.");
});

test("slow images are told with their step, and with which way to vote makes most of them", () => {
  const rendering = { message: "Image 1 of 2, step 3 of 30, about 20 s.", previews: ["data:a"] };
  const prefetcher = { reachable: true, reason: "Rendering the next pairs.", waiting: [], readyAt: 0, rendering };
  const stats = { pairs_per_hour: 140, rendering_speed: "This device renders about 140 pairs an hour." };
  const told = explainWait({ paused: false, unsent: 0, model: null, now: 0, prefetcher, stats });
  assert.deepEqual([told.title, told.detail, told.previews], ["Rendering the next pairs.", rendering.message, ["data:a"]]);
  assert.match(told.cost, /^This device renders about 140 pairs an hour\. Four at a time tells five pairs apart/);
  assert.equal(costOfVotes({ ...stats, pairs_per_hour: 7200 }), stats.rendering_speed, "where images are quick, all are");
  assert.equal(costOfVotes(null), "");
});

test("a hint to slow down stays a minute, takes no focus, and can be closed", async () => {
  const hint = new PaceHint(view.stage);
  hint.show("Take your time.");
  hint.show("Take a break.");
  assert.equal(element.querySelectorAll(".pace-hint").length, 1);
  assert.equal(text(".pace-hint span"), "Take a break.");
  assert.equal(document.activeElement, document.body);
  await clock.tick(59_999);
  assert.equal(shown(".pace-hint"), true);
  await clock.tick(1);
  assert.equal(shown(".pace-hint"), false);
  hint.show("Again.");
  fire(element.querySelector(".pace-hint button"), "click");
  assert.deepEqual([shown(".pace-hint"), document.activeElement], [false, view.stage]);
});

test("a count has its noun", () => {
  assert.deepEqual([plural(1, "vote"), plural(0, "vote"), plural(2, "vote")], ["1 vote", "0 votes", "2 votes"]);
});

test("frames have the shape of the images, and are square until they are there", () => {
  const ratio = () => view.stage.style.getPropertyValue("--ratio");
  view.show({ pair: pairOf("a"), images: null });
  assert.equal(ratio(), "1");
  view.show(itemOf(pairOf("b")));
  assert.equal(ratio(), "2");
});
