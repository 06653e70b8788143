import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { confirmingFetch } from "../../annotate/web/static/gradio_queue_fix.js";

// As Gradio's client asks: the stream by a request that it can abort, everything else by its URL.
const DATA = "http://palate.test/gradio_api/queue/data?session_hash=s";
const JOIN = "http://palate.test/gradio_api/queue/join?__theme=light";
const later = () => new Promise((resolve) => setTimeout(resolve, 20));
let messages;
let fetched;
let asked;

beforeEach(() => {
  asked = [];
  fetched = confirmingFetch(async (input) => {
    const url = String(input.url ?? input);
    asked.push(url);
    if (url === DATA) return new Response(new ReadableStream({ start: (controller) => { messages = controller; } }));
    if (url === JOIN) return new Response('{"event_id": "abc123"}');
    return new Response("something else", { status: 418 });
  });
});

const say = (text) => messages.enqueue(new TextEncoder().encode(text));

/** Join an event; return whether it is confirmed yet. */
function join() {
  const joined = { confirmed: false };
  fetched(JOIN).then((reply) => Object.assign(joined, { confirmed: true, reply }));
  return joined;
}

async function openStream() {
  const controller = new AbortController();
  const reply = await fetched(new Request(DATA, { signal: controller.signal }));
  return { abort: () => controller.abort(), reader: reply.body.getReader() };
}

test("an event is confirmed once its first message is on the stream", async () => {
  await openStream();
  const joined = join();
  await later();
  assert.equal(joined.confirmed, false);
  say('data: {"msg": "estimation", "event_id": "other1"}\n\n');
  await later();
  assert.equal(joined.confirmed, false);
  say('data: {"msg": "estimation", "event_id": "abc123"}\n\n');
  await later();
  assert.equal(joined.confirmed, true);
  assert.deepEqual(await joined.reply.json(), { event_id: "abc123" }, "the client can read it still");
});

test("an id that is split between two chunks is found", async () => {
  await openStream();
  const joined = join();
  say('data: {"event_id": "abc');
  await later();
  say('123"}\n\n');
  await later();
  assert.equal(joined.confirmed, true);
});

test("an event is confirmed once the client has closed the stream, since it opens another", async () => {
  const stream = await openStream();
  const joined = join();
  await later();
  assert.equal(joined.confirmed, false);
  stream.abort();
  await later();
  assert.equal(joined.confirmed, true);
});

test("without a stream, or with the message there already, nothing is waited for", async () => {
  assert.equal((await fetched(JOIN)).ok, true);
  await openStream();
  say('data: {"event_id":"abc123"}\n\n');
  await later();
  assert.equal((await fetched(JOIN)).ok, true);
});

test("the client reads every message itself", async () => {
  const { reader } = await openStream();
  say("data: one\n\n");
  assert.equal(new TextDecoder().decode((await reader.read()).value), "data: one\n\n");
});

test("whatever else is asked passes as it is", async () => {
  const reply = await fetched("http://palate.test/config");
  assert.deepEqual([reply.status, await reply.text(), asked], [418, "something else", ["http://palate.test/config"]]);
});
