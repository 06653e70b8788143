import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { listenToZoom, Zoom } from "../../annotate/web/static/zoom.js";
import { fire, imageOf, openPage } from "./helpers/dom.js";

let root;
let frame;
let zoom;
let seen;

beforeEach(() => {
  root = openPage('<div class="board"><span class="frame"></span></div>');
  frame = root.querySelector(".frame");
  seen = [];
  zoom = new Zoom(root, (at) => seen.push(at));
});

const style = (name) => root.style.getPropertyValue(name);
const press = (type, id, x, y = 50, more = {}) =>
  fire(frame, type, { pointerId: id, clientX: x, clientY: y, button: 0, ...more });
const wheel = (fields) => fire(frame, "wheel", { clientX: 50, clientY: 50, deltaY: -120, deltaMode: 0, ...fields });

test("the spot that is zoomed at stays where it is, and every frame is told by the style", () => {
  zoom.zoomAt(0.5, 0.25, 2);
  assert.deepEqual(zoom.at, { zoom: 2, x: -0.5, y: -0.25 });
  assert.deepEqual([style("--zoom"), style("--pan-x"), style("--pan-y")], ["2", "-50%", "-25%"]);
  assert.equal(root.hasAttribute("data-zoomed"), true);
  zoom.zoomAt(0.5, 0.25, 2);
  const spot = (0.5 - zoom.at.x) / zoom.at.zoom;
  assert.equal(spot, 0.5);
  zoom.reset();
  assert.deepEqual(zoom.at, { zoom: 1, x: 0, y: 0 });
  assert.equal(root.hasAttribute("data-zoomed"), false);
  assert.deepEqual(seen, [2, 4, 1]);
});

test("zooming ends at whole images and at 32 times, and no image leaves its frame", () => {
  zoom.zoomAt(0.5, 0.5, 0.1);
  assert.equal(zoom.at.zoom, 1);
  zoom.zoomAt(0.5, 0.5, 1000);
  assert.equal(zoom.at.zoom, 32);
  zoom.pan(100, -100);
  assert.deepEqual([zoom.at.x, zoom.at.y], [0, -31]);
});

test("pixel for pixel is the image's size by the frame's, also on a fine screen", () => {
  const image = imageOf([0, 0, 0], { width: 400 });
  zoom.exact(frame, image);
  assert.equal(zoom.at.zoom, 4);
  assert.deepEqual([zoom.at.x, zoom.at.y], [-1.5, -1.5], "around the center");
  window.devicePixelRatio = 2;
  zoom.reset();
  zoom.exact(frame, image);
  assert.equal(zoom.at.zoom, 2);
  zoom.reset();
  zoom.exact(frame, imageOf([0, 0, 0], { width: 100 }));
  assert.deepEqual(zoom.at, { zoom: 0.5, x: 0.25, y: 0.25 }, "a small image stands in the middle");
});

test("the wheel scrolls the page until Ctrl is held or something is zoomed", () => {
  listenToZoom(root, zoom);
  assert.equal(wheel().defaultPrevented, false);
  assert.equal(zoom.at.zoom, 1);
  assert.equal(wheel({ ctrlKey: true }).defaultPrevented, true);
  assert.equal(zoom.at.zoom.toFixed(3), Math.exp(0.5).toFixed(3));
  wheel({ deltaY: 120 });
  assert.equal(zoom.at.zoom.toFixed(6), "1.000000");
});

test("the wheel always zooms where that is asked for, and counts lines as 30 pixels", () => {
  listenToZoom(root, zoom, { always: true });
  wheel({ deltaY: -2, deltaMode: 1 });
  assert.equal(zoom.at.zoom.toFixed(4), Math.exp(60 / 240).toFixed(4));
});

test("a double click zooms three times, and back", () => {
  listenToZoom(root, zoom);
  fire(frame, "dblclick", { clientX: 50, clientY: 50 });
  assert.equal(zoom.at.zoom, 3);
  fire(frame, "dblclick", { clientX: 50, clientY: 50 });
  assert.equal(zoom.at.zoom, 1);
});

test("a drag moves what is zoomed, and nothing else", () => {
  listenToZoom(root, zoom);
  press("pointerdown", 1, 50);
  press("pointermove", 1, 30);
  assert.equal(zoom.at.x, 0, "nothing is zoomed");
  press("pointerup", 1, 30);
  zoom.zoomAt(0.5, 0.5, 3);
  press("pointerdown", 1, 50);
  press("pointermove", 1, 30);
  assert.equal(zoom.at.x.toFixed(2), "-1.20");
  press("pointerup", 1, 30);
  press("pointermove", 1, 90);
  assert.equal(zoom.at.x.toFixed(2), "-1.20", "after the release");
  assert.deepEqual(frame.calls, ["capture 1"]);
});

test("two fingers zoom by how far they move apart", () => {
  listenToZoom(root, zoom);
  press("pointerdown", 1, 40);
  press("pointerdown", 2, 60);
  press("pointermove", 2, 80);
  assert.equal(zoom.at.zoom, 2);
});

test("a press that something else claims is left to it, and so is another button", () => {
  const claimed = [];
  listenToZoom(root, zoom, { claim: (at) => claimed.push(at) > 0 });
  zoom.zoomAt(0.5, 0.5, 3);
  press("pointerdown", 1, 50);
  press("pointermove", 1, 0);
  assert.equal(zoom.at.x, -1);
  assert.deepEqual(claimed, [frame]);
  press("pointerdown", 1, 50, 50, { button: 2 });
  assert.equal(claimed.length, 1);
});
