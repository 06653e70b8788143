import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { HEAT_COLORS, heatColor, paintDifference } from "../../annotate/web/static/difference.js";
import { imageOf, openPage } from "./helpers/dom.js";

let canvas;

beforeEach(() => {
  openPage();
  canvas = document.createElement("canvas");
});

test("equal images have a black map and no difference", () => {
  assert.equal(paintDifference(canvas, imageOf([9, 9, 9]), imageOf([9, 9, 9]), 4), 0);
  assert.deepEqual(canvas.map.slice(0, 4), [0, 0, 4, 255]);
  assert.deepEqual([canvas.width, canvas.height], [2, 1]);
});

test("the mean difference is a share of the full range over all three colors", () => {
  assert.equal(paintDifference(canvas, imageOf([0, 0, 0]), imageOf([255, 255, 255]), 1), 1);
  assert.equal(paintDifference(canvas, imageOf([0, 0, 0]), imageOf([255, 0, 0]), 1), 1 / 3);
});

test("the map shows the color that differs most, amplified", () => {
  paintDifference(canvas, imageOf([0, 0, 0]), imageOf([51, 0, 0]), 1);
  const plain = canvas.map.slice(0, 3);
  assert.deepEqual(plain, heatColor(0.2).map(Math.round));
  paintDifference(canvas, imageOf([0, 0, 0]), imageOf([51, 0, 0]), 4);
  assert.deepEqual(canvas.map.slice(0, 3), heatColor(0.8).map(Math.round));
});

test("the colors go from the first to the last, and stay there", () => {
  assert.deepEqual(heatColor(0), HEAT_COLORS[0]);
  assert.deepEqual(heatColor(1), HEAT_COLORS.at(-1));
  assert.deepEqual(heatColor(3), HEAT_COLORS.at(-1));
  assert.deepEqual(heatColor(0.25), HEAT_COLORS[1]);
});

test("a map is no larger than 1024 pixels, and as large as the larger image", () => {
  const [small, large] = [imageOf([0, 0, 0]), imageOf([0, 0, 0], { width: 4096, height: 1 })];
  small.pixels = large.pixels = [0, 0, 0, 255];
  paintDifference(canvas, small, large, 1);
  assert.equal(canvas.width, 1024);
});
