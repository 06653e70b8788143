import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { glyphOf, isComposing, keyName, Keys } from "../../annotate/web/static/stage/keys.js";
import { openPage, parse, PageEvent } from "./helpers/dom.js";

const key = (name, code = "", fields = {}) => new PageEvent("keydown", { key: name, code, ...fields });
let keys;

beforeEach(() => {
  openPage();
  keys = new Keys();
});

test("every action has its key", () => {
  const found = Object.fromEntries(keys.all().map(({ action, key: bound }) => [action, bound]));
  assert.deepEqual(found, {
    left: "ArrowLeft", right: "ArrowRight", tie: "ArrowDown", clear: "ArrowUp", both_good: "g", both_bad: "b",
    skip: "s", undo: "z", flicker: " ", difference: "d", pixels: "1", full: "f", four: "4", more: "m", prompt: "n", keep: "k",
    "place-0": "1", "place-1": "2", "place-2": "3", "place-3": "4", report: "x", help: "?",
  });
});

test("a key means its action, and with four images a rank first", () => {
  assert.equal(keys.actionOf(key("ArrowLeft"), "two"), "left");
  assert.equal(keys.actionOf(key("1", "Digit1"), "two"), "pixels");
  assert.equal(keys.actionOf(key("1", "Digit1"), "four"), "place-0");
  assert.equal(keys.actionOf(key("Escape"), "two"), "close");
  assert.equal(keys.actionOf(key("q", "KeyQ"), "two"), null);
});

test("what is printed on a key counts where the layout types another script or no digit", () => {
  assert.equal(keys.actionOf(key("п", "KeyG"), "two"), "both_good");
  assert.equal(keys.actionOf(key("&", "Digit1"), "two"), "pixels");
  assert.equal(keys.actionOf(key("y", "KeyZ"), "two"), null, "QWERTZ types what it prints");
  assert.equal(keyName(key("п", "KeyG")), "g");
  assert.equal(keyName(key("Ｇ", "KeyG")), "g");
});

test("no key counts with Ctrl, Alt or Meta, held down, taken by others, or as a part of a character", () => {
  for (const fields of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }, { repeat: true },
    { defaultPrevented: true }, { isComposing: true }, { keyCode: 229 }, { getModifierState: () => true }]) {
    assert.equal(keys.actionOf(key("g", "KeyG", fields), "two"), null, JSON.stringify(fields));
  }
  assert.equal(isComposing(key("Dead", "KeyG")), true);
  assert.equal(isComposing(key("g", "KeyG")), false);
});

test("a capital letter is no shortcut, a sign with Shift is", () => {
  assert.equal(keys.actionOf(key("G", "KeyG", { shiftKey: true }), "two"), null);
  assert.equal(keys.actionOf(key("?", "Slash", { shiftKey: true }), "two"), "help");
});

test("a key in a field is left to the field, and Space to a button that Tab has reached", () => {
  const [input, button] = parse('<input><button type="button">Vote</button>');
  assert.equal(keys.actionOf(key("g", "KeyG", { target: input }), "two"), null);
  assert.equal(keys.actionOf(key(" ", "Space", { target: button }), "two"), "flicker");
  button.focusVisible = true;
  assert.equal(keys.actionOf(key(" ", "Space", { target: button }), "two"), null);
});

test("a summary that Tab has reached is opened with Space, and a question over the page has its own keys", () => {
  const [summary, , card] = openPage('<div><details><summary>Your votes</summary></details><p></p><div role="dialog"><button></button></div></div>')
    .querySelectorAll("summary, p, button");
  assert.equal(keys.actionOf(key(" ", "Space", { target: summary }), "two"), "flicker");
  summary.focusVisible = true;
  assert.equal(keys.actionOf(key(" ", "Space", { target: summary }), "two"), null);
  assert.equal(keys.actionOf(key("ArrowLeft", "", { target: card }), "two"), null);
  const [help] = parse('<section class="stage"><div role="dialog"><button></button></div></section>')[0].querySelectorAll("button");
  assert.equal(keys.actionOf(key("?", "Slash", { target: help }), "two"), "help", "those over the stage share its keys");
});

test("a chosen key is kept in the browser, and the action that had it takes the old one", () => {
  keys.set("skip", "g");
  const again = new Keys();
  assert.deepEqual([again.of("skip"), again.of("both_good")], ["g", "s"]);
  assert.equal(again.changed(), true);
  again.reset();
  assert.deepEqual([new Keys().of("skip"), new Keys().changed()], ["s", false]);
});

test("an action that came later leaves a key to whom it was given, until it is given another", () => {
  localStorage.setItem("palate-keys", JSON.stringify({ skip: "n" }));
  keys = new Keys();
  assert.deepEqual([keys.of("skip"), keys.of("prompt"), glyphOf(keys.of("prompt"))], ["n", "", ""]);
  assert.equal(keys.actionOf(key("n", "KeyN"), "two"), "skip");
  keys.set("prompt", "q");
  assert.deepEqual([keys.of("skip"), keys.of("prompt")], ["n", "q"]);
  keys.reset();
  assert.equal(keys.of("prompt"), "n");
});

test("a key is free unless it is reserved, a reason's, or its action cannot take the old one", () => {
  keys.assignReasonKeys(["hands"]);
  assert.equal(keys.isFree("q", "skip"), true);
  assert.equal(keys.isFree("Tab", "skip"), false);
  assert.equal(keys.isFree("h", "skip"), false);
  assert.equal(keys.isFree("s", "place-3"), false);
});

test("reasons get the first of their letters that is free", () => {
  keys.assignReasonKeys(["hands", "grain", "hats", "???"]);
  assert.deepEqual(keys.reasons.map((reason) => reason.key), ["h", "r", "a", "c"]);
  assert.equal(keys.actionOf(key("h", "KeyH"), "two"), "reason-0");
});

test("keys that cannot be read fall back to the defaults", () => {
  localStorage.setItem("palate-keys", "{");
  assert.equal(new Keys().of("skip"), "s");
});

test("a key is told from others, also by what is printed on it", () => {
  assert.equal(keys.isOf(key(" ", "Space"), "flicker"), true);
  assert.equal(keys.isOf(key("g", "KeyG"), "flicker"), false);
  assert.equal(keys.isOf(key("п", "KeyG"), "both_good"), true);
});

test("keys are shown by signs that people know", () => {
  assert.deepEqual(["ArrowLeft", " ", "g", "Enter"].map(glyphOf), ["←", "Space", "G", "Enter"]);
});
