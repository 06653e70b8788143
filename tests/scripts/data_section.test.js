import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { beforeEach, test } from "node:test";

import { DataSection } from "../../annotate/web/static/data/data_section.js";
import { settle } from "./helpers/clock.js";
import { fire, openPage } from "./helpers/dom.js";

const HTML = readFileSync(new URL("../../annotate/web/static/data/data.html", import.meta.url), "utf-8");
const PREVIEW = '<div class="data-preview" data-path="/votes.csv" data-layout="pairs">'
  + '<form class="data-mapping" data-form="preview"><select name="layout" data-layout-choice></select><select name="prompt"></select><button type="submit" data-again hidden></button></form>'
  + '<form data-form="import"><input name="name"><input type="checkbox" name="copy"><button type="submit"></button></form></div>';
const SOURCES = '<ul><li data-source="HPD v3"><input type="checkbox" data-change="used"><select data-change="weight"></select>'
  + '<button data-ask="rename"></button><form data-form="rename" data-asks="rename" hidden><input name="name"></form>'
  + '<button data-ask="remove"></button><div data-asks="remove" hidden><button data-act="remove"></button>'
  + '<button data-keep></button></div></li></ul>';

let element;
let asked;
let answer;
let section;
const actions = () => asked.map(({ action }) => action);
const press = async (selector) => {
  fire(element.querySelector(selector), "click");
  await settle();
};
const submit = async (selector) => {
  fire(element.querySelector(selector), "submit");
  await settle();
};

beforeEach(async () => {
  element = openPage(`<div>${HTML}</div>`);
  asked = [];
  answer = { ok: true, regions: { preview: PREVIEW, sources: SOURCES }, job: null, message: "" };
  globalThis.IntersectionObserver = class {
    constructor(seen) {
      this.observe = () => seen([{ isIntersecting: true }]);
    }
  };
  const call = async (request) => {
    asked.push(request);
    return answer;
  };
  section = new DataSection(element, call, async (files) => files.map(({ name }) => ({ path: `/up/${name}`, name })));
  section.listen();
  await settle();
});

test("the section loads when it comes into view", () => {
  assert.deepEqual(actions(), ["look"]);
  assert.ok(element.querySelector("[data-region=sources] li"));
});

test("a path is previewed, and what is wrong with it stands at the field", async () => {
  element.querySelector("[name=path]").value = " /votes.csv ";
  await submit("[data-form=preview]");
  assert.deepEqual(asked.at(-1), { action: "preview", value: { path: "/votes.csv" }, annotator: "" });

  answer = { ok: false, error: "/votes.csv is not there. Look at its path." };
  await submit("[data-form=preview]");
  assert.equal(element.querySelector("[data-problem=in]").textContent, "/votes.csv is not there. Look at its path.");
  answer = { ok: true, regions: {}, job: null, message: "" };
  await submit("[data-form=preview]");
  assert.equal(element.querySelector("[data-problem=in]").textContent, "");
});

test("with other columns it is previewed again, before it can be brought in", async () => {
  const bring = element.querySelector("[data-form=import] [type=submit]");
  const column = element.querySelector(".data-mapping [name=prompt]");
  element.querySelector("[data-layout-choice]").value = "pairs";
  column.value = "caption";
  fire(column, "change");
  assert.deepEqual([element.querySelector("[data-again]").hidden, bring.disabled], [false, true]);
  await submit(".data-mapping");
  assert.deepEqual(asked.at(-1).value, { path: "/votes.csv", layout: "pairs", mapping: { prompt: "caption" } });
});

test("another layout is previewed at once, with columns that are guessed", async () => {
  const layout = element.querySelector("[data-layout-choice]");
  layout.value = "hpd3";
  fire(layout, "change");
  await settle();
  assert.deepEqual(asked.at(-1).value, { path: "/votes.csv", layout: "hpd3", mapping: {} });
});

test("what is brought in is what was previewed, with its columns and name", async () => {
  element.querySelector("[data-form=import] [name=name]").value = "mine";
  element.querySelector("[data-form=import] [name=copy]").checked = true;
  await submit("[data-form=import]");
  assert.deepEqual(asked.at(-1), {
    action: "import",
    value: { path: "/votes.csv", layout: "pairs", mapping: { prompt: "" }, name: "mine", copy: true },
    annotator: "",
  });
});

test("a source is weighed, left out and renamed in its row", async () => {
  const used = element.querySelector("[data-change=used]");
  used.checked = false;
  fire(used, "change");
  await settle();
  assert.deepEqual(asked.at(-1), { action: "change", value: { source: "HPD v3", used: false }, annotator: "" });

  await press("[data-ask=rename]");
  assert.equal(element.querySelector("[data-asks=rename]").hidden, false);
  element.querySelector("[data-asks=rename] input").value = "HPD";
  await submit("[data-form=rename]");
  assert.deepEqual(asked.at(-1), { action: "rename", value: { source: "HPD v3", name: "HPD" }, annotator: "" });
});

test("that a change is saved is said until the next action", async () => {
  answer = { ...answer, message: "Saved." };
  await section.act("change", { source: "HPD v3", weight: 0.5 });
  assert.equal(element.querySelector(".data-message").textContent, "Saved.");
  answer = { ...answer, message: "" };
  await section.act("forget");
  assert.equal(element.querySelector(".data-message").textContent, "");
});

test("a source is removed only once somebody said so", async () => {
  await press("[data-ask=remove]");
  const asks = element.querySelector("[data-asks=remove]");
  assert.deepEqual([asks.hidden, actions()], [false, ["look"]]);
  await press("[data-keep]");
  assert.deepEqual([asks.hidden, actions()], [true, ["look"]]);
  await press("[data-ask=remove]");
  await press("[data-act=remove]");
  assert.equal(asked.at(-1).action, "remove");
  assert.equal(asked.at(-1).value.source, "HPD v3");
});

test("files are sent, and then previewed", async () => {
  await section.take([{ name: "votes.parquet", size: 3 }]);
  assert.deepEqual(asked.at(-1), { action: "uploaded", value: { files: [{ path: "/up/votes.parquet", name: "votes.parquet" }] }, annotator: "" });
  assert.equal(element.querySelector(".data-sending").hidden, true);
});

test("a job is looked at until it is over, and then everything is", async () => {
  const job = { kind: "import", state: "running" };
  answer = { ok: true, regions: { "job-in": "<b>half</b>" }, job, message: "" };
  await section.act("import");
  assert.equal(element.querySelector("[data-region=job-in]").textContent, "half");
  // The button that began it stood far below.
  assert.deepEqual(element.querySelector("[data-region=job-in]").calls, ["scrollIntoView"]);
  answer = { ok: true, regions: { "job-in": "" }, job: { ...job, state: "done" }, message: "" };
  await section.act("job");
  await settle();
  assert.deepEqual(actions(), ["look", "import", "job", "look"]);
});
