import assert from "node:assert/strict";
import { test } from "node:test";

import { showOpened, start } from "../../annotate/web/static/runs.js";
import { settle, stopClock } from "./helpers/clock.js";
import { fire, openPage } from "./helpers/dom.js";

const TABLE = '<table><tr><th>Run</th></tr><tr><td><button data-run="r0002"></button></td><td id="state">Done</td></tr>'
  + '<tr><td><button data-run="r0001"></button></td></tr></table>';

function table() {
  const element = openPage(`<div>${TABLE}</div>`);
  const [triggered, watched] = [[], []];
  const trigger = (event, data) => triggered.push([event, data]);
  start({ element, trigger, watch: (_, callback) => watched.push(callback) });
  return { element, triggered, watched, at: (selector) => element.querySelector(selector) };
}

test("a click on a row or on its button opens the run, and one on the head opens nothing", () => {
  const { at, triggered } = table();
  fire(at("#state"), "click");
  fire(at('[data-run="r0001"]'), "click");
  fire(at("th"), "click");
  assert.deepEqual(triggered, [["select", { run: "r0002" }], ["select", { run: "r0001" }]]);
});

test("the button has the focus again once the table shows which run is open", async () => {
  const clock = stopClock();
  const { element, watched, at } = table();
  fire(at('[data-run="r0001"]'), "click");
  element.innerHTML = TABLE;
  document.activeElement = document.body;
  watched[0]();
  await clock.tick(20);
  await settle();
  assert.equal(document.activeElement, at('[data-run="r0001"]'));

  document.activeElement = document.body;
  watched[0]();
  await clock.tick(20);
  assert.equal(document.activeElement, document.body, "a timer that renders it again takes no focus");
});

test("a run that is opened from elsewhere is scrolled to once it is there, and has the keyboard", async () => {
  const clock = stopClock();
  const page = openPage("<div></div>");
  showOpened();
  const panel = Object.assign(document.createElement("div"), { id: "run-panel" });
  const button = Object.assign(document.createElement("button"), { id: "close-run" });
  panel.append(button);
  page.append(panel);
  await clock.tick(20);
  await settle();
  assert.deepEqual([panel.calls, document.activeElement], [["scrollIntoView"], button]);
});
