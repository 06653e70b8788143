import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { listenToSliders } from "../../annotate/web/static/change/before_after.js";
import { focusStart, start } from "../../annotate/web/static/change/change_card.js";
import { askToTell, asTold } from "../../annotate/web/static/change/notices.js";
import { settle, stopClock } from "./helpers/clock.js";
import { define, fire, openPage } from "./helpers/dom.js";

const HTML = '<section class="change" data-run="r0003"><button class="change-fold" data-fold aria-expanded="true"></button>'
  + '<button data-close></button><div class="before-after"><img><img><input type="range" value="50"></div>'
  + '<div class="change-acts"><button data-act="use"></button><button data-act="keep"></button>'
  + '<button data-act="train_on"></button><button data-link="#compare"></button>'
  + '<button data-before="base" data-after="v3"></button></div><p class="change-told"></p></section>';
const PAGE = (place) => '<div><button id="train-tab-button" aria-selected="true"></button><div id="stage"><p data-acked="4"></p></div>'
  + `<div class="card"><div class="change-place" data-place="${place}"></div><p class="change-news"></p></div></div>`;
const NONE = { ok: true, key: "", shown: "", html: null, title: "", words: "", failed: "" };
const V3 = { ok: true, key: "r0003 2026", shown: "r0003", html: HTML, title: "v3 is ready", words: "It changed.", failed: "" };

let clock;
let news;
let asked;
let triggered;
let observers;
let shown;

beforeEach(() => {
  clock = stopClock();
  [news, asked, triggered, observers, shown] = [NONE, [], [], [], []];
});

function page(place = "label") {
  const at = (selector) => document.querySelector(selector);
  openPage(PAGE(place));
  Object.assign(document, { title: "Palate", hasFocus: () => true });
  Object.assign(window, { focus() {}, Notification: undefined });
  delete window.Notification;
  define("MutationObserver", class {
    constructor(callback) { observers.push(callback); }
    observe() {}
  });
  start({
    element: at(".card"),
    trigger: (event, data) => triggered.push([event, data]),
    server: {
      change_news: async (sent) => {
        asked.push(sent.shown);
        return sent.shown === news.shown && news.html ? { ...news, key: "", html: null } : news;
      },
      change_act: async (sent) => { asked.push(sent); return { ok: true, told: `${sent.action} is done.` }; },
    },
  });
  return at;
}

async function ends() {
  await settle();
  news = V3;
  await clock.tick(4000);
}

function vote(at) {
  at("#stage p").dataset.acked = String(Number(at("#stage p").dataset.acked) + 1);
  for (const observer of observers) observer();
}

const isFolded = (at) => at(".change").hasAttribute("data-folded");

test("a card comes when a run has ended, and is sent once", async () => {
  const at = page();
  await ends();
  assert.equal(isFolded(at), false);
  assert.equal(at(".change-news").textContent, "v3 is ready. It changed.");
  const { activeElement } = document;
  await clock.tick(4000);
  assert.deepEqual(asked, ["", "", "r0003"]);
  assert.equal(document.activeElement, activeElement, "the focus stays");
});

test("on a phone the card comes as one line, above the images that are labeled", async () => {
  const at = page();
  define("matchMedia", () => ({ matches: true }));
  await ends();
  assert.equal(isFolded(at), true);
});

test("the title says it until the page is looked at, and a badge until Train is opened", async () => {
  const at = page();
  document.hasFocus = () => false;
  await ends();
  assert.equal(document.title, "● v3 is ready - Palate");
  assert.equal(at("#train-tab-button").dataset.news, "v3 is ready");
  document.hasFocus = () => true;
  fire(window, "focus");
  assert.equal(document.title, "Palate");
  at("#train-tab-button").click();
  assert.equal(at("#train-tab-button").hasAttribute("data-news"), false);
});

test("a card that is there when the page opens says nothing in the title", async () => {
  document.hasFocus = () => false;
  news = V3;
  const at = page();
  await settle();
  assert.equal(document.title, "Palate");
  assert.equal(at(".change-news").textContent, "");
  assert.equal(isFolded(at), false);
});

test("a run that fails is told of, and one that failed before is not", async () => {
  news = { ...NONE, failed: "The disk is full." };
  const at = page();
  document.hasFocus = () => false;
  await settle();
  assert.equal(document.title, "Palate");
  news = NONE;
  await clock.tick(4000);
  news = { ...NONE, failed: "The loss is no number." };
  await clock.tick(4000);
  assert.equal(document.title, "● The run failed - Palate");
  assert.equal(at(".change-news").textContent, "The run failed. The loss is no number.");
});

test("a version that is in use when the page opens takes no room on Label, and one line on Train", async () => {
  news = { ...V3, html: HTML.replace('data-run', 'data-active data-run') };
  let at = page();
  await settle();
  assert.equal(at(".change-place").hidden, true);
  at = page("train");
  await settle();
  assert.deepEqual([at(".change-place").hidden, isFolded(at)], [false, true]);
});

test("the card folds for somebody who votes, and comes folded meanwhile", async () => {
  const at = page();
  await ends();
  for (const observer of observers) observer();
  assert.equal(isFolded(at), false, "the count is written again, but it is the same");
  vote(at);
  assert.equal(isFolded(at), true);
  assert.equal(at("[data-fold]").getAttribute("aria-expanded"), "false");
  at("[data-fold]").click();
  assert.equal(isFolded(at), false);

  vote(at);
  news = { ...V3, key: "r0004", shown: "r0004" };
  await clock.tick(4000);
  assert.deepEqual([isFolded(at), at(".change-place").hidden], [true, true], "nothing moves under a pointer");
  vote(at);
  assert.equal(at(".change-place").hidden, false, "it comes with the next pair");

  news = { ...V3, key: "r0005", shown: "r0005" };
  await clock.tick(4000);
  assert.equal(at(".change-place").hidden, true);
  await clock.tick(8000);
  assert.equal(at(".change-place").hidden, false, "or after a pause");
});

test("a card that was closed stays closed in this browser, and the next one comes", async () => {
  const at = page();
  await ends();
  at("[data-close]").click();
  assert.equal(at(".change-place").hidden, true);
  assert.equal(at("#train-tab-button").hasAttribute("data-news"), false);
  const { localStorage } = window;

  const again = page();
  Object.assign(window.localStorage, localStorage);
  await settle();
  assert.equal(again(".change-place").hidden, true);
  news = { ...V3, key: "r0004", shown: "r0004" };
  await clock.tick(4000);
  assert.equal(again(".change-place").hidden, false);
});

test("a card that was closed on Train leaves Label too", async () => {
  const at = page();
  await ends();
  window.localStorage.setItem("palate-closed-changes", JSON.stringify([V3.key]));
  await clock.tick(4000);
  assert.equal(at(".change-place").hidden, true);
});

test("on Train a card that was closed is folded, and can be opened", async () => {
  const at = page("train");
  await ends();
  at("[data-close]").click();
  assert.deepEqual([at(".change-place").hidden, isFolded(at)], [false, true]);
  at("[data-fold]").click();
  assert.equal(isFolded(at), false);
});

test("buttons go to the server, to a comparison, or to a blind test", async () => {
  const at = page();
  await ends();
  at("[data-link]").click();
  at("[data-before]").click();
  assert.deepEqual(triggered, [["select", { link: "#compare" }], ["select", { before: "base", after: "v3" }]]);
  at('[data-act="use"]').click();
  await settle();
  assert.deepEqual(asked.find((sent) => sent.action), { run: "r0003", action: "use" });
  assert.equal(at(".change-told").textContent, "use is done.");
  at('[data-act="use"]').focus();
  news = { ...V3, shown: "r0003 in use" };
  at('[data-act="use"]').click();
  document.activeElement = document.body;
  await settle();
  assert.equal(document.activeElement.dataset.act, "use", "the keyboard stays in the card that is shown anew");
  assert.equal(at(".change-place").hidden, false);

  at('[data-act="keep"]').click();
  await settle();
  assert.equal(at(".change-place").hidden, true);
  assert.deepEqual(at("#train-tab-button").calls, []);
  at('[data-act="train_on"]').click();
  await settle();
  assert.deepEqual(at("#train-tab-button").calls, ["click"]);
});

test("a slider is moved by pointer and by keyboard", async () => {
  const at = page();
  await ends();
  const slider = at(".before-after");
  slider.box = { left: 100, top: 0, width: 200, height: 200 };
  fire(slider, "pointerdown", { button: 0, pointerId: 1, clientX: 150 });
  assert.deepEqual([slider.style.getPropertyValue("--split"), at("input").value], ["25%", "25"]);
  fire(slider, "pointermove", { clientX: 900 });
  assert.equal(slider.style.getPropertyValue("--split"), "100%");
  fire(slider, "pointerup");
  fire(slider, "pointermove", { clientX: 100 });
  assert.equal(slider.style.getPropertyValue("--split"), "100%");
  at("input").value = "40";
  fire(at("input"), "input");
  assert.equal(slider.style.getPropertyValue("--split"), "40%");
});

test("a slider is not moved by another button, nor once the pointer is gone", () => {
  const root = openPage('<div><div class="before-after"><input type="range"></div></div>');
  listenToSliders(root);
  const slider = root.querySelector(".before-after");
  fire(slider, "pointerdown", { button: 2, pointerId: 1, clientX: 30 });
  fire(slider, "pointermove", { clientX: 30 });
  assert.equal(slider.style.getPropertyValue("--split"), "");
  fire(slider, "pointerdown", { button: 0, pointerId: 1, clientX: 30 });
  fire(slider, "pointercancel");
  fire(slider, "pointermove", { clientX: 90 });
  assert.equal(slider.style.getPropertyValue("--split"), "30%");
});

test("a notification comes for whoever asked for one, and is never asked for by itself", async () => {
  page();
  const questions = [];
  define("Notification", class {
    static permission = "default";
    static async requestPermission() { questions.push(1); this.permission = "granted"; return "granted"; }
    constructor(title, { body }) { shown.push([title, body]); }
  });
  window.Notification = Notification;
  await ends();
  assert.deepEqual([shown, questions], [[], []]);
  assert.equal(asTold().value, undefined);
  assert.match((await askToTell()).value, /You will be told/);
  assert.equal(asTold().interactive, false);
  news = { ...V3, key: "r0004", shown: "r0004" };
  await clock.tick(4000);
  assert.deepEqual([shown, questions], [[["v3 is ready", "It changed."]], [1]]);
});

test("where a browser knows no notifications the button says so", async () => {
  page();
  assert.match((await askToTell()).value, /allows no notifications/);
});

test("the keyboard goes to the button that starts a blind test", () => {
  openPage('<div><button id="start-blind-test"></button></div>');
  focusStart();
  assert.equal(document.activeElement.id, "start-blind-test");
});
