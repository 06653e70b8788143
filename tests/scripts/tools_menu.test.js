import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ToolsMenu } from "../../annotate/web/static/stage/tools_menu.js";
import { define, fire } from "./helpers/dom.js";
import { openStage } from "./helpers/stage_page.js";

let element;
let tools;
const part = (selector) => element.querySelector(selector);

beforeEach(() => {
  element = openStage();
  tools = new ToolsMenu(element);
});

test("the menu opens with its first tool focused, and the button says so", () => {
  tools.toggle();
  assert.deepEqual([tools.open, part(".tools-button").getAttribute("aria-expanded")], [true, "true"]);
  assert.equal(document.activeElement, part(".tool"));
  tools.toggle();
  assert.deepEqual([tools.open, part(".tools-button").getAttribute("aria-expanded")], [false, "false"]);
  assert.equal(document.activeElement, part(".stage"), "so that keys vote again");
});

test("a choice closes it, and so does a press elsewhere, but not one of a tool that is held", () => {
  tools.toggle();
  fire(part('[data-hold="flicker"]'), "pointerdown");
  fire(part('[data-hold="flicker"]'), "click");
  assert.equal(tools.open, true);
  fire(part('.tools-menu [data-action="difference"]'), "click");
  assert.equal(tools.open, false);
  tools.toggle();
  fire(part(".prompt"), "pointerdown");
  assert.equal(tools.open, false);
});

test("it closes when the focus goes on to what lies behind it", () => {
  tools.toggle();
  fire(part(".tool"), "focusout", { relatedTarget: part('[data-action="help"]') });
  assert.equal(tools.open, true);
  fire(part(".tool"), "focusout", { relatedTarget: part('[data-verdict="left"]') });
  assert.equal(tools.open, false);
});

test("arrows move between its tools, from the last to the first, and vote on nothing", () => {
  tools.toggle();
  const all = element.querySelectorAll(".tools-menu .tool");
  const arrow = (key) => fire(document.activeElement, "keydown", { key }).defaultPrevented;
  assert.equal(arrow("ArrowDown"), true);
  assert.equal(document.activeElement, all[1]);
  arrow("ArrowUp");
  arrow("ArrowUp");
  assert.equal(document.activeElement, all.at(-1));
  assert.equal(arrow("ArrowLeft"), true);
  assert.equal(document.activeElement, all.at(-1));
  assert.equal(fire(all[0], "keydown", { key: "m" }).defaultPrevented, false, "other keys do what they say");
});

test("on a phone the name is in the menu", () => {
  assert.equal(part(".tools-menu .who"), null);
  define("matchMedia", () => ({ matches: true }));
  element = openStage();
  define("matchMedia", () => ({ matches: true }));
  new ToolsMenu(element);
  assert.notEqual(part(".tools-menu .who input"), null);
});
