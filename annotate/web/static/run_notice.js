// A notice about runs: one that is due and takes long, and a version that became active by itself.

import { closest, find, findAll } from "./dom.js";
import { recall, remember } from "./storage.js";

/** @typedef {import("./server").RunNotice} RunNotice */

const ASK_MS = 10_000;
const TOLD = "palate-activation-told";

/**
 * Start the notice.
 * @param {import("./types").Component<{
 *   run_notice: import("./types").Call<null, RunNotice>,
 *   answer_long_run: import("./types").Call<import("./server").LongRunAnswer, RunNotice>,
 * }>} component
 */
export function start({ element, server }) {
  const place = find(element, ".run-notice-place");
  let told = "";
  let shown = "";
  /** Answers that were under way when a reply was asked for are newer than it. */
  let answers = 0;

  /** @param {RunNotice} notice */
  function show(notice) {
    told = notice.told;
    const html = told && recall("localStorage", TOLD) === told ? "" : notice.html;
    // Written only when it changes: a button that has the focus keeps it.
    if (html !== shown) place.innerHTML = shown = html;
  }

  async function ask() {
    if (!element.isConnected) return;
    const before = answers;
    const reply = document.hidden ? null : await server.run_notice(null);
    if (reply?.ok && before === answers) show(reply);
    setTimeout(ask, ASK_MS);
  }

  /** @param {string} answer */
  async function send(answer) {
    answers += 1;
    const buttons = /** @type {HTMLButtonElement[]} */ (findAll(place, "button"));
    for (const button of buttons) button.disabled = true;
    const reply = await server.answer_long_run({ annotator: "", answer });
    if (reply?.ok) {
      show(reply);
      return;
    }
    for (const button of buttons) button.disabled = false;
    find(place, "p").textContent = (reply && !reply.ok && reply.error) || "Palate is not answering. Try again.";
    shown = place.innerHTML;
  }

  place.addEventListener("click", (event) => {
    const answer = closest(event, "[data-answer]")?.dataset.answer;
    if (answer) send(answer);
    if (!closest(event, "[data-dismiss]")) return;
    remember("localStorage", TOLD, told);
    place.innerHTML = shown = "";
  });
  ask();
}
