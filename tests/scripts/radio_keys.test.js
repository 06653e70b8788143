import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { start } from "../../annotate/web/static/radio_keys.js";
import { fire, openPage } from "./helpers/dom.js";

let radios;

beforeEach(() => {
  const names = ["gentle", "normal", "strong"];
  openPage(`<fieldset>${names.map((name) => `<input type="radio" name="${name}">`).join("")}</fieldset><input type="text">`);
  radios = document.querySelectorAll("fieldset input");
  start();
});

const chosen = () => radios.findIndex((radio) => radio.calls.includes("click"));

test("an arrow chooses the radio button beside, and after the last one the first", () => {
  fire(radios[1], "keydown", { key: "ArrowLeft" });
  assert.deepEqual([chosen(), document.activeElement], [0, radios[0]]);
  radios[0].calls = [];
  fire(radios[2], "keydown", { key: "ArrowDown" });
  assert.equal(chosen(), 0);
});

test("other keys and other fields are left alone", () => {
  fire(radios[1], "keydown", { key: "Enter" });
  fire(document.querySelector("input[type=text]"), "keydown", { key: "ArrowLeft" });
  assert.equal(chosen(), -1);
});
