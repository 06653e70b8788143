import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Board } from "../../annotate/web/static/compare/board.js";
import { fileName, promptOf, rowLabel, rowName } from "../../annotate/web/static/compare/board_data.js";
import { listenToBoard } from "../../annotate/web/static/compare/board_input.js";
import { differenceLegend, isMode, makeFigure, makeSelect } from "../../annotate/web/static/compare/board_parts.js";
import { stopClock } from "./helpers/clock.js";
import { FakeObserver, fire, openPage, press } from "./helpers/dom.js";

const data = {
  prompts: ["a cat", "a dog"], seeds: [7, 8], columns: ["base", "v1", "v2"],
  cells: [["b.png", "1.png", "2.png"], ["b.png", "1.png", null], [null, null, null], [null, null, null]],
};
let root;
let board;
let modes;

beforeEach(() => {
  stopClock();
  root = openPage('<div class="compare"></div>');
  modes = [];
  board = new Board(root, { resolve: (url) => `http://palate.test/${url}`, onMode: (mode) => modes.push(mode) });
});

const COLORS = { "b.png": [0, 0, 0], "1.png": [51, 51, 51], "2.png": [0, 0, 0] };
/** Let every image on the board be loaded. */
function load({ width = 64 } = {}) {
  for (const image of root.querySelectorAll("img")) {
    const color = COLORS[image.src.split("/").at(-1)];
    Object.assign(image, { naturalWidth: width, naturalHeight: width, pixels: [...color, 255, ...color, 255] });
    fire(image, "load");
  }
}
const frames = () => root.querySelectorAll("figure")[0].querySelectorAll("[data-column] .frame");
const sides = (name) => root.querySelectorAll("figure")[0].querySelectorAll(`.side.${name}`).map((side) => side.dataset.column);
const status = () => root.querySelector(".status");

test("a figure stands for each prompt and seed, with a frame for each version", () => {
  board.show(data);
  assert.deepEqual(root.querySelectorAll("h3").map((title) => title.textContent), ["a cat", "a dog"]);
  assert.equal(root.querySelectorAll("figure").length, 4);
  const [, second] = root.querySelectorAll("figure");
  assert.deepEqual(second.querySelectorAll("[data-column]").map((side) => side.getAttribute("title")),
    ["base, seed 8", "v1, seed 8", "v2, seed 8"]);
  assert.equal(root.style.getPropertyValue("--columns"), "3");
});

test("images appear as they are rendered, and are kept while others come", () => {
  board.show({ ...data, status: "5 of 12 rendered", busy: true });
  assert.deepEqual([status().textContent, root.hasAttribute("data-busy")], ["5 of 12 rendered", true]);
  const [first] = root.querySelectorAll("img");
  assert.deepEqual([first.src, first.alt], ["http://palate.test/b.png", "a cat, rendered by base"]);
  const cells = structuredClone(data.cells);
  cells[1][2] = "2.png";
  board.show({ ...data, cells, tone: "problem" });
  assert.equal(root.querySelectorAll("img").length, 6);
  assert.equal(root.querySelectorAll("img")[0], first, "the same element");
  assert.deepEqual([status().textContent, status().dataset.tone, root.hasAttribute("data-busy")], ["", "problem", false]);
});

test("images of several sizes say so", () => {
  board.show(data);
  load();
  assert.equal(root.querySelector(".size").textContent, "");
  assert.equal(root.querySelector("figure").style.getPropertyValue("--shape"), "64 / 64");
  Object.assign(root.querySelectorAll("img")[1], { naturalWidth: 32, naturalHeight: 48 });
  fire(root.querySelectorAll("img")[1], "load");
  assert.equal(root.querySelector(".size").textContent, "64 × 64 and 32 × 48");
});

test("a mode that compares two columns shows these two, and lets others be chosen", () => {
  board.show(data);
  board.setMode("flicker");
  const hidden = () => root.querySelectorAll("figure")[0].querySelectorAll("[data-column]").map((side) => side.hidden);
  assert.deepEqual([hidden(), sides("first"), sides("second")], [[false, false, true], ["0"], ["1"]]);
  assert.equal(root.querySelector(".column-pair").hidden, false);
  assert.equal(root.querySelectorAll("img")[0].getAttribute("loading"), "eager");
  const [, second] = root.querySelectorAll(".column-pair select");
  second.value = "2";
  fire(second, "change");
  assert.deepEqual([hidden(), sides("second")], [[false, true, false], ["2"]]);
  assert.equal(root.querySelector(".legend").textContent, "base, and v2 while Space or an image is held.");
  board.setMode("side");
  assert.deepEqual([hidden(), root.querySelector(".legend").hidden], [[false, false, false], true]);
});

test("the mode is pressed among the modes, told to the page, and unknown ones are none", () => {
  board.setMode("grid");
  board.setMode("upside-down");
  board.setMode(undefined);
  assert.deepEqual([board.mode, modes, root.dataset.mode], ["grid", ["grid"], "grid"]);
  const pressed = root.querySelectorAll(".switch button").filter((button) => button.getAttribute("aria-pressed") === "true");
  assert.deepEqual(pressed.map((button) => button.textContent), ["Grid"]);
  fire(root.querySelector('[data-mode="slider"]'), "click");
  assert.equal(board.mode, "slider");
});

test("keys choose the mode, unless somebody types or a modifier is held", () => {
  board.show(data);
  assert.equal(press("l").defaultPrevented, true);
  press("D", { ctrlKey: true });
  const field = document.createElement("input");
  document.body.append(field);
  field.focus();
  press("g");
  assert.equal(board.mode, "slider");
  field.blur();
  press("G");
  assert.equal(board.mode, "grid");
  assert.equal(press("q").defaultPrevented, false);
});

test("a board that is not on the page takes no key", () => {
  board.show(data);
  root.remove();
  press("g");
  assert.equal(board.mode, "side");
});

test("Space swaps the two columns in flicker for as long as it is held", () => {
  board.show(data);
  press(" ");
  assert.equal(root.hasAttribute("data-swapped"), false, "not side by side");
  board.setMode("flicker");
  press(" ");
  assert.equal(root.hasAttribute("data-swapped"), true);
  fire(document, "keyup", { key: " " });
  assert.equal(root.hasAttribute("data-swapped"), false);
  fire(root.querySelector(".hold"), "pointerdown");
  assert.equal(root.hasAttribute("data-swapped"), true);
  assert.equal(fire(root, "contextmenu").defaultPrevented, true);
  fire(document, "pointerup");
  assert.equal(root.hasAttribute("data-swapped"), false);
  board.pair = [1, 1];
  press(" ");
  assert.equal(root.hasAttribute("data-swapped"), false, "one column is not swapped with itself");
});

test("a press on a frame swaps in flicker", () => {
  board.show(data);
  board.setMode("flicker");
  fire(frames()[0], "pointerdown", { pointerId: 1, button: 0, clientX: 5, clientY: 5 });
  assert.equal(root.hasAttribute("data-swapped"), true);
});

test("the slider follows the pointer, and its range every other slider", () => {
  board.show(data);
  board.setMode("slider");
  fire(frames()[0], "pointerdown", { pointerId: 1, button: 0, clientX: 30, clientY: 5 });
  assert.equal(root.style.getPropertyValue("--split"), "30%");
  fire(root, "pointermove", { clientX: 170, clientY: 5 });
  assert.equal(board.split, 100);
  fire(document, "pointerup");
  fire(root, "pointermove", { clientX: 10, clientY: 5 });
  assert.equal(board.split, 100, "after the release");
  const [range, other] = root.querySelectorAll('input[type="range"]');
  range.value = "42";
  fire(range, "input");
  assert.deepEqual([board.split, other.value], [42, 42]);
});

test("in a zoomed slider a press beside the handle moves the image", () => {
  board.show(data);
  board.setMode("slider");
  board.zoom.zoomAt(0.5, 0.5, 4);
  fire(frames()[0], "pointerdown", { pointerId: 1, button: 0, clientX: 10, clientY: 5 });
  assert.equal(board.split, 50);
  fire(frames()[0], "pointerdown", { pointerId: 2, button: 0, clientX: 60, clientY: 5 });
  assert.equal(board.split, 60);
});

test("zoom is said, its button resets it, and 1 is pixel for pixel with sharp dots", () => {
  board.show(data);
  load({ width: 25 });
  const button = root.querySelector(".reset");
  assert.equal(button.hidden, true);
  board.zoom.zoomAt(0.5, 0.5, 2.5);
  assert.deepEqual([button.hidden, button.textContent], [false, "2.5× · Reset"]);
  assert.equal(root.hasAttribute("data-dots"), true, "100 pixels of the screen for 25 of the image");
  fire(button, "click");
  assert.equal(button.hidden, true);
  press("1");
  assert.equal(board.zoom.at.zoom, 0.25);
  press("Escape");
  assert.equal(board.zoom.at.zoom, 1);
});

test("the map of what differs is painted once it is seen, and again when the two or the gain change", () => {
  board.show(data);
  load();
  board.setMode("difference");
  const map = () => root.querySelector("figure .map em").textContent;
  assert.equal(map(), "difference", "not seen yet");
  FakeObserver.all[0].show();
  assert.equal(map(), "differs by 20.0 %");
  const canvas = root.querySelector("figure canvas");
  assert.equal(canvas.getAttribute("aria-label"), "Difference map: differs by 20.0 % on average");
  const painted = canvas.map;
  const [gain] = root.querySelectorAll(".legend select");
  assert.equal(gain.value, "4");
  gain.value = "1";
  fire(gain, "change");
  FakeObserver.all[0].show();
  assert.notDeepEqual(canvas.map, painted);
  const [, second] = root.querySelectorAll(".column-pair select");
  second.value = "2";
  fire(second, "change");
  FakeObserver.all[0].show();
  assert.equal(map(), "equal");
});

test("a click in the grid shows one large, and Download saves a row", () => {
  board.show(data);
  board.setMode("grid");
  const figure = root.querySelectorAll("figure")[1];
  fire(figure.querySelector(".frame"), "click");
  assert.deepEqual([board.mode, figure.calls], ["side", ["scrollIntoView"]]);
  const links = [];
  document.createElement = ((create) => (tag) => {
    const made = create(tag);
    if (tag === "a") links.push(made);
    return made;
  })(document.createElement);
  fire(figure.querySelector("[data-save]"), "click");
  return new Promise((resolve) => queueMicrotask(() => queueMicrotask(resolve))).then(() => {
    assert.deepEqual(links.map((link) => link.download), ["palate-base-v1-v2-seed-8.png"]);
  });
});

test("columns are named as people call the versions, and files by their numbers", () => {
  board.show({ ...data, labels: ["base", "warm colors (v1)", "v2"] });
  assert.deepEqual(root.querySelectorAll("figure")[0].querySelectorAll("em").map((name) => name.textContent),
    ["base", "warm colors (v1)", "v2", "difference"]);
  assert.equal(fileName({ ...data, labels: ["base", "warm colors (v1)", "v2"] }, ".png"), "palate-base-v1-v2.png");
});

test("another comparison is built anew, at its first two columns and whole images", () => {
  board.show(data);
  board.setMode("flicker");
  board.pair = [1, 2];
  board.zoom.zoomAt(0.5, 0.5, 4);
  board.show({ ...data, columns: ["base"], cells: [["b.png"], [null], [null], [null]] });
  assert.deepEqual([board.pair, board.zoom.at.zoom, board.figure(0).querySelectorAll("[data-column]").length], [[0, 0], 1, 1]);
});

test("the board's own data: rows, prompts and file names", () => {
  assert.deepEqual([rowName(data), rowName({ row: "place" })], ["seed", "place"]);
  assert.deepEqual([promptOf(data, 1), promptOf(data, 2), rowLabel(data, 3)], ["a cat", "a dog", "seed 8"]);
  assert.equal(fileName({ ...data, columns: ["base", "v1@0.5+v2 /ü"] }, ".png"), "palate-base-v1@0.5+v2.png");
});

test("the parts of a board: modes, figures, selects and the legend of differences", () => {
  assert.deepEqual([isMode("grid"), isMode("tree"), isMode(undefined)], [true, false, false]);
  assert.equal(makeFigure(data, 2, 40).querySelector("figcaption span").textContent, "a dog");
  const chosen = [];
  const select = makeSelect("Which", [[3, "three"], [4, "four"]], 4, (value) => chosen.push(value));
  assert.deepEqual([select.value, select.textContent], ["4", "threefour"]);
  select.value = "3";
  fire(select, "change");
  assert.deepEqual(chosen, [3]);
  const [words, , scale] = differenceLegend("base", "v1", 8, () => {});
  assert.deepEqual([words, scale.textContent], ["Where base and v1 differ, amplified", "equal  12.5 % of the full range or more"]);
  assert.equal(differenceLegend("base", "v1", 1, () => {})[2].textContent, "equal  100 % of the full range");
});

test("a press that means nothing to the board is left to the zoom", () => {
  const claim = listenToBoard(board);
  board.show(data);
  assert.equal(claim(frames()[0], { clientX: 5, pointerId: 1 }), false);
});
