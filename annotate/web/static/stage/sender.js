// The sender: sends the outbox in order, one event at a time. An event leaves the outbox only when the
// reply repeats its key. A server function that fails in any way returns `undefined`: not sent.

const MAX_RETRY_MS = 8000;
const REPLY_TIMEOUT_MS = 20000;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function callServer(call, argument) {
  const late = sleep(REPLY_TIMEOUT_MS).then(() => undefined);
  return Promise.race([Promise.resolve(call(argument)).catch(() => undefined), late]);
}

function makeSender({ outbox, send, onSent, onRefused, onChange }) {
  const sender = { failures: 0, error: "", wake: null, drain: null };
  let draining = false;

  const backOff = () =>
    new Promise((resolve) => {
      // Up to 20 % of jitter, so that many browsers do not retry in the same moment.
      const wait = Math.min(MAX_RETRY_MS, 300 * 2 ** sender.failures);
      sender.wake = resolve;
      setTimeout(resolve, wait * (0.8 + 0.4 * Math.random()));
    });

  async function reject(event, error) {
    await outbox.remove(event);
    // Its undo would take back an older vote instead, and its annotations are about nothing.
    const orphans = outbox.events.filter((later) => later.of === event.key);
    for (const orphan of orphans) await outbox.remove(orphan);
    onRefused(event, error || "The vote was refused.");
  }

  async function sendOldest() {
    const event = outbox.events[0];
    // These are for the browser alone.
    const { order, at, pair, ...payload } = event;
    const reply = await callServer(send, payload);
    if (reply && reply.ok && reply.key === event.key) {
      sender.failures = 0;
      sender.error = "";
      await outbox.remove(event);
      onSent(event, reply);
    } else if (reply && reply.ok === false && reply.retry === false) {
      await reject(event, reply.error);
    } else {
      sender.failures += 1;
      sender.error = (reply && reply.error) || "";
      onChange();
      await backOff();
    }
  }

  sender.drain = async () => {
    if (draining) return;
    draining = true;
    while (outbox.events.length) {
      await sendOldest();
      onChange();
    }
    draining = false;
  };
  return sender;
}
