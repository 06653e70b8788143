import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { start } from "../../annotate/web/static/compare/compare_tab.js";
import {
  isCompareTab, isLinked, isTabOpen, linkedMode, linkOf, openLinkedTab, plainAddress, readLink,
} from "../../annotate/web/static/compare/link.js";
import { stopClock } from "./helpers/clock.js";
import { define, fire, openPage, parse } from "./helpers/dom.js";

const data = { prompts: ["a cat", "a & b"], seeds: [1, 2], seeds_text: "1-2", columns: ["base", "v1@0.5"], cells: [["b.png", "v.png"], [null, null], [null, null], [null, null]] };
const LINK = "#compare&p=a+cat&p=a+%26+b&s=1-2&c=base&c=v1%400.5&m=slider";
let clock;
let element;
let tab;
let watched;
let props;

beforeEach(() => {
  clock = stopClock();
  element = openPage('<div><div class="empty-board"></div><div class="compare" hidden></div></div>');
  [tab] = parse('<button role="tab" id="compare-tab-button" aria-selected="false"></button>');
  document.body.append(tab);
  [watched, props] = [[], { value: null }];
});

function open(value = data) {
  props.value = value;
  start({ element, props, watch: (name, callback) => watched.push([name, callback]), trigger() {}, server: {} });
}
const goTo = (hash) => Object.assign(location, { hash, href: `http://palate.test/${hash}` });
const button = (name) => element.querySelectorAll(".actions button").find((each) => each.textContent === name);

// ---- links ------------------------------------------------------------------------------------
test("a link names prompts, seeds, columns and mode", () => {
  assert.equal(linkOf(data, "slider"), `http://palate.test/${LINK}`);
  goTo(LINK);
  assert.deepEqual([isLinked(), linkedMode(), readLink(), plainAddress()], [true, "slider", LINK, "http://palate.test/"]);
  goTo("#other");
  assert.deepEqual([isLinked(), linkedMode(), readLink()], [false, null, ""]);
});

test("a link that is opened on an open page reloads it, once", () => {
  const listeners = window.listenerCount("hashchange");
  readLink();
  readLink();
  assert.ok(window.listenerCount("hashchange") - listeners <= 1);
});

test("a linked comparison opens its tab, and no other address does", () => {
  openLinkedTab();
  assert.deepEqual(tab.calls, []);
  goTo(LINK);
  openLinkedTab();
  assert.deepEqual(tab.calls, ["click"]);
  assert.deepEqual([isCompareTab(tab), isCompareTab(element), isTabOpen()], [true, false, false]);
  tab.setAttribute("aria-selected", "true");
  assert.equal(isTabOpen(), true);
});

// ---- the tab ----------------------------------------------------------------------------------
test("the board takes the place of its help once there are images, and follows its value", () => {
  open(null);
  const shown = () => [element.querySelector(".empty-board").hidden, element.querySelector(".compare").hidden, button("Copy link").hidden];
  assert.deepEqual(shown(), [false, true, true]);
  assert.equal(watched[0][0], "value");
  props.value = data;
  watched[0][1]();
  assert.deepEqual(shown(), [true, false, false]);
  assert.equal(element.querySelector("img").src, "http://palate.test/b.png");
});

test("the address bar holds the link while the tab is open, and no longer", () => {
  tab.setAttribute("aria-selected", "true");
  open();
  assert.equal(location.hash, LINK.replace("slider", "side"));
  const [other] = parse('<button role="tab" id="label-tab-button"></button>');
  document.body.append(other);
  fire(other, "click", { isTrusted: true });
  assert.equal(location.href, "http://palate.test/");
  fire(tab, "click", { isTrusted: true });
  assert.equal(location.hash, LINK.replace("slider", "side"));
});

test("a click that no person made leaves the address", () => {
  open();
  fire(tab, "click", { isTrusted: false });
  assert.equal(location.href, "http://palate.test/");
});

test("the mode is the link's, else the one that was used last", () => {
  localStorage.setItem("palate-compare-mode", "grid");
  open();
  assert.equal(element.querySelector(".compare").dataset.mode, "grid");
  goTo(LINK);
  open();
  assert.equal(element.querySelector(".compare").dataset.mode, "slider");
  fire(element.querySelector('[data-mode="flicker"]'), "click");
  assert.equal(localStorage.getItem("palate-compare-mode"), "flicker");
  assert.equal(linkedMode(), "flicker");
});

test("rows that are no seeds have no link", () => {
  tab.setAttribute("aria-selected", "true");
  open({ ...data, row: "place" });
  assert.deepEqual([button("Copy link").hidden, button("Contact sheet").hidden, location.hash], [true, false, ""]);
});

test("a copied link says so for two seconds", async () => {
  open();
  const copy = button("Copy link");
  fire(copy, "click");
  assert.equal(copy.disabled, true);
  await clock.tick(0);
  assert.deepEqual([navigator.clipboard.text, copy.textContent, copy.disabled], [linkOf(data, "side"), "Copied", false]);
  await clock.tick(2000);
  assert.equal(copy.textContent, "Copy link");
});

test("without a clipboard the link is copied in the old way, or stands in the address bar", async () => {
  navigator.clipboard.writeText = async () => { throw new Error("not over https"); };
  document.execCommand = () => false;
  open();
  const copy = button("Copy link");
  fire(copy, "click");
  await clock.tick(0);
  assert.deepEqual([copy.textContent, location.href], ["Link is in the address bar", linkOf(data, "side")]);
  assert.equal(document.querySelectorAll("textarea").length, 0);
});

test("a contact sheet that is too large, or cannot be made, says so", async (t) => {
  define("Image", class { set src(_) { queueMicrotask(() => this.onerror()); } });
  open();
  const sheet = button("Contact sheet");
  fire(sheet, "click");
  await clock.tick(0);
  assert.equal(sheet.textContent, "Saved");
  t.mock.method(console, "error", () => {});
  define("fetch", async () => { throw new Error("gone"); });
  const save = button("Save as page");
  fire(save, "click");
  await clock.tick(0);
  assert.equal(save.textContent, "Could not");
});
