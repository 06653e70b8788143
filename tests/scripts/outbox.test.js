import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openOutbox } from "../../annotate/web/static/stage/outbox.js";
import { settle, stopClock } from "./helpers/clock.js";
import { openDatabases } from "./helpers/database.js";
import { openPage } from "./helpers/dom.js";

const vote = (key) => ({ kind: "vote", key, annotator: "ada" });
const keysOf = (outbox) => outbox.events.map((event) => event.key);
const journal = () => Object.keys(localStorage);
let clock;

beforeEach(() => {
  openPage();
  clock = stopClock();
});

test("an event is in the journal at once, then in the database alone", async () => {
  const { rows } = openDatabases();
  const outbox = await openOutbox();
  assert.equal(outbox.add(vote("a")), undefined, "nothing to wait for");
  assert.deepEqual(journal(), ["palate-journal:a"]);
  await settle();
  assert.deepEqual(journal(), []);
  assert.deepEqual(rows.map((row) => row.key), ["a"]);
});

test("events are kept in the order in which they were given, also of one millisecond", async () => {
  openDatabases();
  const outbox = await openOutbox();
  for (const key of ["b", "a", "c"]) outbox.add(vote(key));
  assert.deepEqual(keysOf(outbox), ["b", "a", "c"]);
  const times = outbox.events.map((event) => event.at);
  assert.deepEqual(times, [...new Set(times)].sort());
});

test("a new page has the events of the database and of the journal, each once, oldest first", async () => {
  openDatabases([{ ...vote("stored"), order: 4, at: 1 }]);
  for (const [key, at] of [["late", 9], ["early", 2], ["stored", 1]]) {
    localStorage.setItem(`palate-journal:${key}`, JSON.stringify({ ...vote(key), at }));
  }
  const outbox = await openOutbox();
  assert.deepEqual(keysOf(outbox), ["stored", "early", "late"]);
  await settle();
  assert.deepEqual(journal(), []);
});

test("an event that was sent is gone from the page, the journal and the database", async () => {
  const { rows } = openDatabases();
  const outbox = await openOutbox();
  outbox.add(vote("a"));
  outbox.add(vote("b"));
  await outbox.remove(outbox.events[0]);
  assert.deepEqual(keysOf(outbox), ["b"]);
  assert.deepEqual(rows.map((row) => row.key), ["b"]);
  assert.deepEqual(keysOf(await openOutbox()), ["b"]);
});

test("without a database the journal keeps the events, and the outbox is durable", async () => {
  openDatabases([], { broken: true });
  const outbox = await openOutbox();
  assert.equal(outbox.durable, true);
  outbox.add(vote("a"));
  await settle();
  assert.deepEqual(journal(), ["palate-journal:a"]);
  await outbox.remove(outbox.events[0]);
  assert.deepEqual(journal(), []);
});

test("a database that never opens is waited for no longer than three seconds", async () => {
  openDatabases([], { silent: true });
  let outbox = null;
  openOutbox().then((opened) => { outbox = opened; });
  await clock.tick(2999);
  assert.equal(outbox, null);
  await clock.tick(1);
  assert.deepEqual(outbox.events, []);
});

test("a browser that stores nothing keeps events as long as the page, and is not durable", async () => {
  openDatabases([], { broken: true });
  localStorage.setItem = () => { throw new Error("denied"); };
  const outbox = await openOutbox();
  assert.equal(outbox.durable, false);
  const stored = outbox.add(vote("a"));
  assert.ok(stored instanceof Promise, "the page waits until it is stored, or is not");
  await stored;
  assert.deepEqual(keysOf(outbox), ["a"]);
});

test("with the journal full the page waits for the database", async () => {
  const { rows } = openDatabases();
  const outbox = await openOutbox();
  localStorage.setItem = () => { throw new Error("full"); };
  await outbox.add(vote("a"));
  assert.deepEqual(rows.map((row) => row.key), ["a"]);
  assert.equal(outbox.durable, true);
});

test("once the database takes nothing more and the journal neither, the outbox says so", async () => {
  const { database } = openDatabases();
  const outbox = await openOutbox();
  database.full = true;
  outbox.add(vote("a"));
  await settle();
  assert.equal(outbox.durable, true, "the journal has it");
  localStorage.setItem = () => { throw new Error("full"); };
  await outbox.add(vote("b"));
  assert.equal(outbox.durable, false);
});
