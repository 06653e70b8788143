// The sender: sends the outbox in order, one event at a time. An event leaves the outbox only when the
// reply repeats its key. A server function that fails in any way returns `undefined`: not sent.

/**
 * @typedef {import("../types").StageEvent} StageEvent
 * @typedef {import("../types").EventPayload} EventPayload
 * @typedef {import("../types").SentReply} SentReply
 * @typedef {import("./outbox.js").Outbox} Outbox
 */

const FIRST_RETRY_MS = 300;
const MAX_RETRY_MS = 8000;
const REPLY_TIMEOUT_MS = 20000;

/** @param {number} ms */
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * Call a server function; a failure or a late answer is `undefined`.
 * @template Request, Answer
 * @param {import("../types").Call<Request, Answer>} call
 * @param {Request} argument
 * @returns {Promise<import("../types").Reply<Answer>>}
 */
export async function callServer(call, argument) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {Promise<undefined>} */
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve(undefined), REPLY_TIMEOUT_MS);
  });
  const reply = await Promise.race([Promise.resolve(call(argument)).catch(() => undefined), late]);
  clearTimeout(timer);
  return reply;
}

export class Sender {
  failures = 0;
  error = "";
  #draining = false;
  #outbox;
  #send;
  #onSent;
  #onRefused;
  #onChange;

  /**
   * @param {object} parts
   * @param {Outbox} parts.outbox
   * @param {import("../types").Call<EventPayload, SentReply>} parts.send
   * @param {(event: StageEvent, reply: SentReply) => void} parts.onSent
   * @param {(event: StageEvent, error: string) => void} parts.onRefused
   * @param {() => void} parts.onChange
   */
  constructor({ outbox, send, onSent, onRefused, onChange }) {
    this.#outbox = outbox;
    this.#send = send;
    this.#onSent = onSent;
    this.#onRefused = onRefused;
    this.#onChange = onChange;
  }

  /** Send until the outbox is empty; a call while that goes on does nothing. */
  async drain() {
    if (this.#draining) return;
    this.#draining = true;
    while (this.#outbox.events.length) {
      await this.#sendOldest();
      this.#onChange();
    }
    this.#draining = false;
  }

  async #sendOldest() {
    const event = this.#outbox.events[0];
    const reply = await callServer(this.#send, payloadOf(event));

    if (reply && reply.ok && reply.key === event.key) {
      this.failures = 0;
      this.error = "";
      await this.#outbox.remove(event);
      this.#onSent(event, reply);
    } else if (reply && reply.ok === false && reply.retry === false) {
      await this.#reject(event, reply.error);
    } else {
      this.failures += 1;
      this.error = (reply && !reply.ok && reply.error) || "";
      this.#onChange();
      await this.#backOff();
    }
  }

  /**
   * @param {StageEvent} event
   * @param {string} error
   */
  async #reject(event, error) {
    await this.#outbox.remove(event);
    // Its undo would take back an older vote instead, and its annotations are about nothing.
    const orphans = this.#outbox.events.filter((later) => later.of === event.key);
    for (const orphan of orphans) await this.#outbox.remove(orphan);
    this.#onRefused(event, error || "The vote was refused.");
  }

  #backOff() {
    const wait = Math.min(MAX_RETRY_MS, FIRST_RETRY_MS * 2 ** this.failures);
    // Up to 20 % of jitter, so that many browsers do not retry in the same moment.
    return sleep(wait * (0.8 + 0.4 * Math.random()));
  }
}

/**
 * Return what the server gets of an event, without what is for the browser alone.
 * @param {StageEvent} event
 * @returns {EventPayload}
 */
function payloadOf(event) {
  const { order: _order, at: _at, ...payload } = event;
  if ("pair" in payload) {
    const { pair: _pair, ...act } = payload;
    return act;
  }
  return payload;
}
