// Works around lost events in Gradio's client. The server closes the message stream after the last
// event that it knows of. An event that joins just then is confirmed before the client notices the
// closing: the client believes the stream is open, opens no other, and the event never ends. So the
// client gets the confirmation only once the event's first message is on the stream, or once the
// client itself has closed the stream and will open another.

const CONFIRM_TIMEOUT_MS = 3000;
// Longer than an event's id, which may be split between two chunks.
const TAIL_LENGTH = 80;
const EVENT_ID = /"event_id": ?"([0-9a-f]+)"/g;

/** A message stream of the client: the ids of the events that it has had a message of. */
class Stream {
  /** @type {Set<string>} */
  seenIds = new Set();
  /** @type {Set<() => void>} */
  #listeners = new Set();
  #text = "";

  /** @param {() => void} listener */
  onChange(listener) {
    this.#listeners.add(listener);
  }

  notify() {
    for (const listener of this.#listeners) listener();
  }

  /** @param {ReadableStream<Uint8Array>} body */
  async read(body) {
    const reader = body.getReader();
    const decoder = new TextDecoder();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      this.#text += decoder.decode(part.value, { stream: true });
      for (const [, id] of this.#text.matchAll(EVENT_ID)) this.seenIds.add(id);
      this.#text = this.#text.slice(-TAIL_LENGTH);
      this.notify();
    }
  }
}

/**
 * Return a fetch that confirms an event only once its first message has come.
 * @param {typeof fetch} originalFetch
 * @returns {typeof fetch}
 */
export function confirmingFetch(originalFetch) {
  /** @type {Stream | null} */
  let stream = null;

  /** @param {AbortSignal} signal */
  function openStream(signal) {
    const opening = new Stream();
    signal.addEventListener("abort", () => {
      if (stream === opening) stream = null;
      opening.notify();
    });
    stream = opening;
    return opening;
  }

  /**
   * @param {string} id
   * @returns {Promise<void>}
   */
  async function firstMessageOf(id) {
    const waited = stream;
    const confirmed = () => stream !== waited || waited === null || waited.seenIds.has(id);
    if (waited === null || confirmed()) return;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, CONFIRM_TIMEOUT_MS);
      waited.onChange(() => {
        if (!confirmed()) return;
        clearTimeout(timer);
        resolve(undefined);
      });
    });
  }

  return async (input, init) => {
    const request = input instanceof Request ? input : null;
    const [address] = (request?.url ?? String(input)).split("?");
    if (address.endsWith("/queue/data") && request) {
      const opening = openStream(request.signal);
      const reply = await originalFetch(input, init);
      const [copy, passed] = reply.body ? reply.body.tee() : [null, null];
      // Reading fails once the client closes the stream, which `openStream` notices by itself.
      if (copy) opening.read(copy).catch(() => {});
      return new Response(passed, reply);
    }

    const reply = await originalFetch(input, init);
    if (address.endsWith("/queue/join") && reply.ok) {
      const { event_id: id } = await reply.clone().json();
      await firstMessageOf(id);
    }
    return reply;
  };
}
