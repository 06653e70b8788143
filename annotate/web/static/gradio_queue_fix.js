// No event of the page is lost. Gradio's server closes the stream of its messages after the last
// event that it knows of. An event that joins just then is told so before the client hears of the
// closing; the client takes the stream for open, opens no other, and the event never ends. So the
// client learns that an event has joined only once that event's first message is on the stream,
// or once the client itself has closed the stream and will open another.
(() => {
  const PATIENCE_MS = 3000;
  // An event's name, were it cut in two, is shorter.
  const LONGEST_NAME = 80;
  const NAME = /"event_id": ?"([0-9a-f]+)"/g;
  const ask = window.fetch.bind(window);
  let stream = null;

  function opened(signal) {
    const opening = { heard: new Set(), tell: new Set(), told: "" };
    signal.addEventListener("abort", () => {
      if (stream === opening) stream = null;
      for (const tell of opening.tell) tell();
    });
    stream = opening;
    return opening;
  }

  async function listen(opening, body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      opening.told += part.value;
      for (const [, name] of opening.told.matchAll(NAME)) opening.heard.add(name);
      opening.told = opening.told.slice(-LONGEST_NAME);
      for (const tell of opening.tell) tell();
    }
  }

  function joined(name) {
    const waited = stream;
    const told = () => stream !== waited || waited.heard.has(name);
    if (!waited || told()) return undefined;
    return new Promise((resolve) => {
      const tell = () => {
        if (told()) resolve();
      };
      waited.tell.add(tell);
      setTimeout(resolve, PATIENCE_MS);
    });
  }

  window.fetch = async (input, init) => {
    const address = String(input.url ?? input).split("?")[0];
    if (address.endsWith("/queue/data") && input.signal) {
      const opening = opened(input.signal);
      const reply = await ask(input, init);
      const [heard, passed] = reply.body ? reply.body.tee() : [null, null];
      // It fails where the client closes the stream, which has been noticed then.
      if (heard) listen(opening, heard).catch(() => {});
      return new Response(passed, reply);
    }
    const reply = await ask(input, init);
    if (address.endsWith("/queue/join") && reply.ok) {
      const { event_id: name } = await reply.clone().json();
      await joined(name);
    }
    return reply;
  };
})();
