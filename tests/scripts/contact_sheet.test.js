import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { contactSheet, measure, saveImages, wrapText } from "../../annotate/web/static/compare/contact_sheet.js";
import { download, downloadCanvas } from "../../annotate/web/static/compare/download.js";
import { settle, stopClock } from "./helpers/clock.js";
import { define, imageOf, openPage } from "./helpers/dom.js";

const data = { prompts: ["a cat with a very long tail"], seeds: [7, 8, 9], columns: ["base", "v1"], cells: [["b.png", "1.png"], ["gone.png", "2.png"], [null, null]] };
let clock;
let links;

beforeEach(() => {
  openPage();
  clock = stopClock();
  links = [];
  const create = document.createElement;
  document.createElement = (tag) => {
    const made = create(tag);
    if (tag === "a") links.push(made);
    return made;
  };
  const Image = class {
    set src(src) {
      Object.assign(this, { naturalWidth: 100, naturalHeight: 50, address: src });
      queueMicrotask(() => (src.includes("gone") ? this.onerror() : this.onload()));
    }
    get src() { return this.address; }
  };
  define("Image", Image);
});

const context = { measureText: (text) => ({ width: 10 * text.length }) };

test("a sheet has a row for each seed and a column for each version, with their names", async () => {
  const sheet = await contactSheet(data, (url) => `http://palate.test/${url}`);
  const { cell, gap, label, head } = measure(data, [[{ naturalWidth: 100 }]]);
  assert.deepEqual([sheet.width, sheet.height], [label + 2 * (cell + gap) + gap, head + 3 * (cell + gap) + gap]);
  const images = sheet.painted.filter(([kind]) => kind === "image");
  assert.deepEqual(images.map(([, src, ...at]) => [src, ...at]), [
    ["http://palate.test/b.png", label + gap, head + 25, 100, 50],
    ["http://palate.test/1.png", label + gap + cell + gap, head + 25, 100, 50],
    ["http://palate.test/2.png", label + gap + cell + gap, head + cell + gap + 25, 100, 50],
  ], "fitting into its cell; what is not there is left out");
  const texts = sheet.painted.filter(([kind]) => kind === "text").map(([, text]) => text);
  assert.deepEqual(texts.slice(0, 2), ["base", "v1"]);
  assert.deepEqual(texts.filter((text) => text.startsWith("seed")), ["seed 7", "seed 8", "seed 9"]);
  assert.ok(texts.some((text) => text.startsWith("a cat")));
});

test("no line of a prompt is wider than its column, in the letters that it is written in", async () => {
  const sheet = await contactSheet(data, (url) => `http://palate.test/${url}`);
  const { gap, label } = measure(data, [[{ naturalWidth: 100 }]]);
  const lines = sheet.painted.filter(([kind, , x]) => kind === "text" && x === gap);
  assert.ok(lines.length > 5 && lines.every(([, , , , width]) => width <= label - 2 * gap));
});

test("cells are as large as the images, within what a canvas may be", () => {
  const one = (naturalWidth) => [[{ naturalWidth }]];
  assert.equal(measure(data, one(200)).cell, 200);
  assert.equal(measure(data, one(10)).cell, 64);
  assert.equal(measure(data, one(4000)).cell, 512);
  const many = Array.from({ length: 256 }, () => [{ naturalWidth: 1024 }]);
  assert.equal(measure({ ...data, columns: Array(6).fill("v") }, many).cell, 94);
});

test("a text is wrapped between words, and cut where it is too long", () => {
  assert.deepEqual(wrapText(context, "a cat with a hat", 100, 3), ["a cat with", "a hat"]);
  assert.deepEqual(wrapText(context, "a cat with a hat", 100, 1), ["a cat wit…"]);
  assert.deepEqual(wrapText(context, "abcdefghijklmnop", 100, 2), ["abcdefghij…"]);
  assert.deepEqual(wrapText(context, "", 100, 2), [""]);
});

test("a row is saved side by side at the size of its images", async () => {
  const figure = document.createElement("figure");
  figure.dataset.index = 1;
  figure.append(imageOf([0, 0, 0], { width: 30, height: 20, src: "b" }), imageOf([0, 0, 0], { width: 50, height: 40, src: "v" }));
  assert.equal(await saveImages(figure, data), true);
  const [link] = links;
  assert.deepEqual([link.download, link.calls], ["palate-base-v1-seed-8.png", ["click"]]);
  const painted = JSON.parse(await (await fetch(link.href)).text());
  assert.deepEqual(painted, [["image", "b", 0, 0], ["image", "v", 30, 0]]);
});

test("a download is let go ten seconds later, when the browser has it", async () => {
  const revoked = [];
  URL.revokeObjectURL = (url) => revoked.push(url);
  download(new Blob(["x"]), "x.txt");
  await clock.tick(9999);
  assert.deepEqual(revoked, []);
  await clock.tick(1);
  assert.deepEqual(revoked, [links[0].href]);
});

test("a canvas that is too large for the browser is not saved", async () => {
  const canvas = document.createElement("canvas");
  canvas.width = 9000;
  assert.equal(await downloadCanvas(canvas, "x.png"), false);
  await settle();
  assert.deepEqual(links, []);
});
