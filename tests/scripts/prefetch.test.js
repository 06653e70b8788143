import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { Prefetcher } from "../../annotate/web/static/stage/prefetch.js";
import { stopClock } from "./helpers/clock.js";
import { openPage } from "./helpers/dom.js";

const pairOf = (id) => ({ pair_id: id, prompt: "a cat", left_url: `img/${id}-left.png`, right_url: `img/${id}-right.png` });
const idsOf = (prefetcher) => prefetcher.waiting.map((item) => item.pair.pair_id);
let clock;
let requests;
let replies;
let open;
let prefetcher;

beforeEach(() => {
  openPage();
  clock = stopClock();
  [requests, replies, open] = [[], [], []];
  prefetcher = new Prefetcher({
    fetchPairs: async (request) => {
      requests.push(request);
      const reply = replies.shift();
      return typeof reply === "function" ? reply() : reply;
    },
    resolve: (url) => `http://palate.test/${url}`,
    openPairIds: () => open,
    onChange: () => {},
  });
});

const answer = (ids, more = {}) => ({ ok: true, pairs: ids.map(pairOf), reason: null, wait_s: null, ...more });

test("eight pairs are kept ahead, and the server is told which", async () => {
  replies = [answer(["a", "b"]), answer(["c"])];
  open = ["shown"];
  await prefetcher.refill();
  assert.deepEqual(requests, [{ have: ["shown"], want: 8 }]);
  await clock.tick(1000);
  assert.deepEqual(requests[1], { have: ["a", "b", "shown"], want: 6 });
  assert.deepEqual(idsOf(prefetcher), ["a", "b", "c"]);
});

test("with eight pairs ahead nothing is asked", async () => {
  replies = [answer(["1", "2", "3", "4", "5", "6", "7", "8"])];
  await prefetcher.refill();
  await prefetcher.refill();
  await clock.tick(10_000);
  assert.equal(requests.length, 1);
});

test("a pair is ready once both images are decoded, and the oldest is taken first", async () => {
  replies = [answer(["a", "b"])];
  await prefetcher.refill();
  await clock.tick();
  assert.equal(prefetcher.ready, 2);
  const item = prefetcher.take();
  assert.deepEqual(item.images.map((image) => image.src),
    ["http://palate.test/img/a-left.png", "http://palate.test/img/a-right.png"]);
  prefetcher.putBack(item);
  assert.deepEqual(idsOf(prefetcher), ["a", "b"]);
});

test("of four images all are loaded", async () => {
  const item = prefetcher.prepare({ pair_id: "q", prompt: "", urls: ["1", "2", "3", "4"] });
  await item.loaded;
  assert.equal(item.images.length, 4);
});

test("nothing is taken while no image is decoded", () => {
  assert.equal(prefetcher.take(), null);
});

test("a pair with a broken image is dropped and asked for again", async () => {
  replies = [answer(["broken"]), answer(["good"])];
  await prefetcher.refill();
  await clock.tick(1000);
  assert.deepEqual(idsOf(prefetcher), ["good"]);
  assert.deepEqual(requests[1].have, []);
});

test("a pair that the page has is not taken twice, and one passed over is dropped", async () => {
  replies = [answer(["a", "b"]), answer(["a", "c", "shown"], { passed_over: ["b"] })];
  open = ["shown"];
  await prefetcher.refill();
  await clock.tick(1000);
  assert.deepEqual(idsOf(prefetcher), ["a", "c"]);
});

test("without a server it says so, keeps what it has, and asks again each second", async () => {
  replies = [answer(["a"]), undefined, { ok: false, error: "The database is being repaired." }];
  await prefetcher.refill();
  await clock.tick(1000);
  assert.deepEqual([prefetcher.reachable, prefetcher.reason], [false, ""]);
  await clock.tick(1000);
  assert.deepEqual([prefetcher.reachable, prefetcher.reason], [false, "The database is being repaired."]);
  assert.deepEqual(idsOf(prefetcher), ["a"]);
});

test("what the server expects is known in the browser's time", async () => {
  replies = [answer([], { reason: "Pairs are being rendered.", wait_s: 4 })];
  await prefetcher.refill();
  assert.deepEqual([prefetcher.reason, prefetcher.readyAt - Date.now()], ["Pairs are being rendered.", 4000]);
});

test("an answer that was asked for before everything was dropped is dropped as well", async () => {
  let reply;
  replies = [() => new Promise((resolve) => { reply = resolve; })];
  const refilled = prefetcher.refill();
  prefetcher.empty();
  reply(answer(["old"]));
  await refilled;
  assert.deepEqual(idsOf(prefetcher), []);
});

test("what others go before by now is dropped, however many pairs are ahead", async () => {
  replies = [answer(["1", "2", "3", "4", "5", "6", "7", "8"]), answer([], { passed_over: ["7", "8"] }), answer(["n", "m"])];
  await prefetcher.refill();
  await prefetcher.recheck();
  assert.deepEqual(requests.slice(1).map(({ want }) => want), [0, 2]);
  assert.deepEqual(idsOf(prefetcher), ["1", "2", "3", "4", "5", "6", "n", "m"]);
});
