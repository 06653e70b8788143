import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { closest, createElement, find, findAll, setText } from "../../annotate/web/static/dom.js";
import { pageRoot } from "../../annotate/web/static/page_root.js";
import { makeKey, recall, remember } from "../../annotate/web/static/storage.js";
import { define, openPage } from "./helpers/dom.js";

let root;

beforeEach(() => {
  root = openPage('<div><p class="one">first</p><p>second</p></div>');
});

test("an element that must be there is found, or the error names what is missing", () => {
  assert.equal(find(root, ".one").textContent, "first");
  assert.throws(() => find(root, ".two"), /The page has no \.two\./);
  assert.deepEqual(findAll(root, "p").map((p) => p.textContent), ["first", "second"]);
});

test("the closest element is looked for from where an event happened", () => {
  assert.equal(closest({ target: find(root, ".one") }, "div"), root);
  assert.equal(closest({ target: find(root, ".one") }, "section"), null);
  assert.equal(closest({ target: document }, "div"), null, "a document is no element");
});

test("a new element has its properties, and the others as attributes", () => {
  const made = createElement("button", { type: "button", textContent: "Go", hidden: true, "data-at": 3 });
  assert.deepEqual([made.type, made.textContent, made.hidden, made.dataset.at], ["button", "Go", true, "3"]);
  const outer = createElement("span", {}, "a ", createElement("b", {}, "c"));
  assert.equal(outer.textContent, "a c");
});

test("a text that is there already is not written again", () => {
  const written = [];
  const element = { get textContent() { return "same"; }, set textContent(text) { written.push(text); } };
  setText(element, "same");
  setText(element, "other");
  assert.deepEqual(written, ["other"]);
});

test("the root is the folder of the page, below the path that Gradio knows", () => {
  const rootAt = (baseURI, configured) => {
    document.baseURI = baseURI;
    window.gradio_config = configured && { root: configured };
    return pageRoot().href;
  };
  assert.equal(rootAt("http://h:7860/"), "http://h:7860/");
  assert.equal(rootAt("http://h:7860/?__theme=dark#compare&p=a"), "http://h:7860/");
  assert.equal(rootAt("https://h:8443/", "http://h:7860"), "https://h:8443/", "the browser knows the port better");
  assert.equal(rootAt("https://h/palate/", "http://inside:7860/palate"), "https://h/palate/");
  assert.equal(rootAt("https://h/palate/", "http://inside:7860"), "https://h/palate/", "a proxy may take the path away");
});

test("what is stored is there again, and without storage nothing is", () => {
  remember("localStorage", "name", "ada");
  assert.deepEqual([recall("localStorage", "name"), recall("sessionStorage", "name")], ["ada", null]);
  define("window", { get localStorage() { throw new Error("denied"); } });
  remember("localStorage", "name", "bob");
  assert.equal(recall("localStorage", "name"), null);
});

test("a key is 32 hexadecimal digits, another one each time", () => {
  const keys = Array.from({ length: 50 }, makeKey);
  assert.ok(keys.every((key) => /^[0-9a-f]{32}$/.test(key)));
  assert.equal(new Set(keys).size, 50);
});
