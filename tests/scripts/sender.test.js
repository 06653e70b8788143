import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { callServer, Sender } from "../../annotate/web/static/stage/sender.js";
import { stopClock } from "./helpers/clock.js";

let clock;
let sent;
let refused;
let answers;
let outbox;

const vote = (key, more = {}) => ({ kind: "vote", key, annotator: "ada", verdict: "left", ...more });
const confirmed = (event) => ({ ok: true, key: event.key, votes: 1, until_next_run: null });

function makeSender() {
  return new Sender({
    outbox,
    async send(payload) {
      sent.push(payload);
      return (answers.shift() || confirmed)(payload);
    },
    onSent: (event) => sent.push(`sent ${event.key}`),
    onRefused: (event, error) => refused.push([event.key, error]),
    onChange: () => {},
  });
}

beforeEach(() => {
  clock = stopClock();
  [sent, refused, answers] = [[], [], []];
  outbox = {
    events: [],
    async remove(event) { this.events = this.events.filter((each) => each !== event); },
  };
});

test("events are sent one at a time in their order, and leave the outbox", async () => {
  outbox.events = [vote("a"), vote("b")];
  await makeSender().drain();
  assert.deepEqual(sent.map((each) => each.key ?? each), ["a", "sent a", "b", "sent b"]);
  assert.deepEqual(outbox.events, []);
});

test("the server gets neither the pair nor what the browser notes for itself", async () => {
  outbox.events = [vote("a", { order: 3, at: 5, pair: { pair_id: "p" } })];
  await makeSender().drain();
  assert.deepEqual(sent[0], vote("a"));
});

test("an event stays until a reply repeats its key", async () => {
  outbox.events = [vote("a")];
  answers = [() => undefined, () => ({ ok: true, key: "another" }), () => ({ ok: false, error: "The disk is full." })];
  const sender = makeSender();
  const drained = sender.drain();
  await clock.tick(0);
  assert.equal(outbox.events.length, 1);
  assert.equal(sender.failures, 1);
  await clock.tick(800);
  assert.equal(outbox.events.length, 1);
  await clock.tick(1600);
  assert.equal(sender.error, "The disk is full.");
  await clock.tick(5000);
  await drained;
  assert.deepEqual(outbox.events, []);
  assert.deepEqual([sender.failures, sender.error], [0, ""]);
});

test("it waits longer after each failure, but never more than ten seconds", async () => {
  outbox.events = [vote("a")];
  answers = Array.from({ length: 100 }, () => () => undefined);
  makeSender().drain();
  await clock.tick(479);
  assert.equal(sent.length, 1, "at least 0.48 s after the first failure");
  for (const [failures, ms] of [[2, 720], [3, 1440], [4, 2880]]) {
    const before = sent.length;
    await clock.tick(ms);
    assert.ok(sent.length - before <= 2, `after failure ${failures}`);
  }
  const before = sent.length;
  await clock.tick(96_000);
  const rate = sent.length - before;
  assert.ok(rate >= 9 && rate <= 17, `${rate} in 96 s`);
});

test("a vote that is refused for good goes, and with it what is about it", async () => {
  outbox.events = [vote("a"), { kind: "undo", key: "u", of: "a" }, vote("b")];
  answers = [() => ({ ok: false, error: "There is no such pair.", retry: false })];
  await makeSender().drain();
  assert.deepEqual(refused, [["a", "There is no such pair."]]);
  assert.deepEqual(sent.filter((each) => each.key).map((each) => each.key), ["a", "b"]);
});

test("a second drain while one is going on sends nothing twice", async () => {
  outbox.events = [vote("a")];
  const sender = makeSender();
  await Promise.all([sender.drain(), sender.drain()]);
  assert.equal(sent.filter((each) => each.key === "a").length, 1);
});

test("a call that fails or never answers is undefined", async () => {
  assert.equal(await callServer(async () => { throw new Error("gone"); }, {}), undefined);
  let answer = "none";
  callServer(() => new Promise(() => {}), {}).then((reply) => { answer = reply; });
  await clock.tick(19_999);
  assert.equal(answer, "none");
  await clock.tick(1);
  assert.equal(answer, undefined);
  assert.deepEqual(await callServer(async (request) => ({ ok: true, request }), 7), { ok: true, request: 7 });
});
