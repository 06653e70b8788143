import assert from "node:assert/strict";
import { test } from "node:test";

import { openSetting } from "../../annotate/web/static/settings.js";
import { stopClock } from "./helpers/clock.js";
import { openPage } from "./helpers/dom.js";

test("a section of Settings is opened once its tab is there, and has the keyboard", async () => {
  const clock = stopClock();
  const page = openPage('<div><button id="settings-tab-button"></button><div id="model"></div></div>');
  const pressed = [];
  document.getElementById("settings-tab-button").addEventListener("click", () => pressed.push("tab"));
  openSetting("model");
  page.querySelector("#model").innerHTML = "<button></button>";
  const head = page.querySelector("#model button");
  head.addEventListener("click", () => pressed.push("head"));
  await clock.tick(60);
  assert.deepEqual([pressed, document.activeElement], [["tab", "head"], head]);
});
