// Time for tests: it stands still until a test moves it on.

import { define } from "./dom.js";

/** Let what was promised happen. */
export async function settle() {
  for (let turn = 0; turn < 50; turn += 1) await Promise.resolve();
}

/** Stop the time, and return what moves it on. */
export function stopClock() {
  let now = 1_000_000;
  let newest = 0;
  let waiting = [];
  const add = (every) => (run, after = 0, ...given) => {
    newest += 1;
    waiting.push({ id: newest, at: now + after, run: () => run(...given), every: every ? after : null });
    return newest;
  };
  const clear = (id) => {
    waiting = waiting.filter((each) => each.id !== id);
  };
  define("setTimeout", add(false));
  define("setInterval", add(true));
  define("clearTimeout", clear);
  define("clearInterval", clear);
  Date.now = () => now;
  define("performance", { now: () => now });

  return {
    /** Let some milliseconds go by, and everything happen that is due by then. */
    async tick(ms = 0) {
      const end = now + ms;
      await settle();
      for (let due = next(end); due; due = next(end)) {
        now = Math.max(now, due.at);
        waiting = waiting.filter((each) => each !== due);
        if (due.every !== null) waiting.push({ ...due, at: now + due.every });
        due.run();
        await settle();
      }
      now = end;
    },
    now: () => now,
    waiting: () => waiting.length,
  };

  function next(end) {
    return waiting.filter((each) => each.at <= end).sort((a, b) => a.at - b.at || a.id - b.id)[0];
  }
}
