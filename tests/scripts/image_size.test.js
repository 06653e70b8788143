import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { areOriginal, shownUrl } from "../../annotate/web/static/image_size.js";
import { createElement } from "../../annotate/web/static/dom.js";
import { openPage } from "./helpers/dom.js";

const LAPTOP = { innerWidth: 1440, innerHeight: 789, devicePixelRatio: 2 };
const PHONE = { innerWidth: 390, innerHeight: 664, devicePixelRatio: 3 };
const FAR = new URL("https://palate.test/img/a.png");

beforeEach(() => openPage());

test("who labels on another machine asks for images as large as the window shows them", () => {
  assert.equal(shownUrl(FAR, LAPTOP), "https://palate.test/img/a.png?side=1578");
  assert.equal(shownUrl(FAR, PHONE), "https://palate.test/img/a.png?side=1992");
  assert.equal(shownUrl(FAR, { ...LAPTOP, innerWidth: 1920, devicePixelRatio: 1 }), "https://palate.test/img/a.png?side=960");
});

test("the machine itself gets the PNG", () => {
  for (const host of ["localhost:7860", "127.0.0.1:7860", "[::1]:7860"]) {
    assert.equal(shownUrl(new URL(`http://${host}/img/a.png`), LAPTOP), `http://${host}/img/a.png`);
  }
});

/** @param {string} src */
function shown(src) {
  const image = createElement("img", { src });
  document.body.append(image);
  return image;
}

test("a window without a size gets the PNG", () => {
  assert.equal(shownUrl(FAR, { innerWidth: 0, innerHeight: 0, devicePixelRatio: 1 }), FAR.href);
});

test("originals stay as they are", () => {
  assert.equal(areOriginal([shown("https://palate.test/img/a.png")]), true);
});

test("smaller images become their originals, and only then it goes on", async () => {
  const image = shown("https://palate.test/img/a.png?side=960");
  const order = [];
  image.decode = async () => order.push(image.src);
  assert.equal(areOriginal([image], () => order.push("on")), false);
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.deepEqual(order, ["https://palate.test/img/a.png", "on"]);
});

test("nothing goes on for images that were taken off the page meanwhile", async () => {
  const image = shown("https://palate.test/img/a.png?side=960");
  image.decode = async () => {};
  let called = false;
  areOriginal([image], () => { called = true; });
  image.remove();
  await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(called, false);
});
