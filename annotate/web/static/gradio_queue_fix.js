// Works around lost events in Gradio's client. The server closes the message stream after the last
// event that it knows of. An event that joins just then is confirmed before the client notices the
// closing: the client believes the stream is open, opens no other, and the event never ends. So the
// client gets the confirmation only once the event's first message is on the stream, or once the
// client itself has closed the stream and will open another.
(() => {
  const CONFIRM_TIMEOUT_MS = 3000;
  // Longer than an event's id, which may be split between two chunks.
  const TAIL_LENGTH = 80;
  const EVENT_ID = /"event_id": ?"([0-9a-f]+)"/g;
  const originalFetch = window.fetch.bind(window);
  let stream = null;

  function openStream(signal) {
    const opening = { seenIds: new Set(), listeners: new Set(), text: "" };
    signal.addEventListener("abort", () => {
      if (stream === opening) stream = null;
      for (const notify of opening.listeners) notify();
    });
    stream = opening;
    return opening;
  }

  async function listen(opening, body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      opening.text += part.value;
      for (const [, name] of opening.text.matchAll(EVENT_ID)) opening.seenIds.add(name);
      opening.text = opening.text.slice(-TAIL_LENGTH);
      for (const notify of opening.listeners) notify();
    }
  }

  function firstMessageOf(name) {
    const waited = stream;
    const confirmed = () => stream !== waited || waited.seenIds.has(name);
    if (!waited || confirmed()) return undefined;
    return new Promise((resolve) => {
      const notify = () => {
        if (confirmed()) resolve();
      };
      waited.listeners.add(notify);
      setTimeout(resolve, CONFIRM_TIMEOUT_MS);
    });
  }

  window.fetch = async (input, init) => {
    const address = String(input.url ?? input).split("?")[0];
    if (address.endsWith("/queue/data") && input.signal) {
      const opening = openStream(input.signal);
      const reply = await originalFetch(input, init);
      const [copy, passed] = reply.body ? reply.body.tee() : [null, null];
      // Reading fails once the client closes the stream, which `openStream` notices by itself.
      if (copy) listen(opening, copy).catch(() => {});
      return new Response(passed, reply);
    }
    const reply = await originalFetch(input, init);
    if (address.endsWith("/queue/join") && reply.ok) {
      const { event_id: name } = await reply.clone().json();
      await firstMessageOf(name);
    }
    return reply;
  };
})();
