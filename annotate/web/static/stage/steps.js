// The way from choices to a tuned model in three steps, and at which of them somebody is. Whoever has
// seen a result sees the progress alone.

import { recall, remember } from "../storage.js";
import { duration, plural } from "./wording.js";

/**
 * @typedef {import("../server").CurrentRun} Run
 *
 * @typedef {object} Situation
 * @property {number} every choices between two runs that start by themselves; 0 for none
 * @property {number | null} until choices until the next run; null where none starts, or it is secret
 * @property {number} choices all choices that a run learns from
 * @property {Pick<Run, "state" | "eta_s" | "next_images_s"> | null} run the run under way
 * @property {string | null} newest the version that the newest run made
 * @property {string | null} seen the version whose result was seen last, NONE_SEEN, or null for no steps
 *
 * @typedef {object} Steps
 * @property {0 | 1 | 2 | 3} step which step somebody is at; 0 shows no steps
 * @property {string} choices the first step, or the progress alone
 * @property {string} tuning
 * @property {string} result
 * @property {string} ready what a button says that leads to the result; empty for no button
 * @property {{ done: number, of: number } | null} bar
 */

/** What a browser remembers of a model whose tuning it has seen no result of. */
export const NONE_SEEN = "-";
const SEEN_KEY = "palate-seen-version";

/**
 * Return the version of a model whose result was seen last in this browser.
 * @param {string} model
 * @param {string | null} newest
 */
export function seenVersion(model, newest) {
  const known = recall("localStorage", `${SEEN_KEY}:${model}`);
  if (known) return known;
  // A version that was there before this browser was: somebody who knows the way.
  const seen = newest || NONE_SEEN;
  rememberSeen(model, seen);
  return seen;
}

/**
 * Remember that the result of a version was seen.
 * @param {string} model
 * @param {string} version
 */
export function rememberSeen(model, version) {
  remember("localStorage", `${SEEN_KEY}:${model}`, version);
}

/**
 * Return the steps as they are shown.
 * @param {Situation} situation
 * @returns {Steps}
 */
export function stepsOf({ every, until, choices, run, newest, seen }) {
  const ready = newest && seen !== null && newest !== seen ? `${newest} is ready: see what changed` : "";
  const isFirst = seen === NONE_SEEN;
  const counted = Boolean(every && until !== null);
  const done = counted ? Math.min(every, Math.max(0, every - Number(until))) : 0;
  const bar = counted && !run && !ready ? { done, of: every } : null;

  if (run) {
    const tuning = tuningOf(run);
    const texts = { tuning, result: "you see whether it changed", ready: "", bar };
    return isFirst ? { step: 2, choices: plural(choices, "choice"), ...texts } : { step: 0, choices: tuning, ...texts };
  }
  if (ready) {
    const shown = isFirst ? plural(choices, "choice") : "";
    return { step: isFirst ? 3 : 0, choices: shown, tuning: "the model is tuned", result: "", ready, bar };
  }
  const tuning = every ? "then the model is tuned" : "then tune the model, on Train";
  const shown = counted ? progressOf(done, every, isFirst) : plural(choices, "choice");
  return { step: isFirst ? 1 : 0, choices: shown, tuning, result: "you see whether it changed", ready, bar };
}

/**
 * @param {number} done
 * @param {number} every
 * @param {boolean} isFirst
 */
function progressOf(done, every, isFirst) {
  if (done === every) return `${every} choices: tuning starts soon`;
  return `${done} of ${every} choices${isFirst ? "" : " until the next tuning"}`;
}

/** @param {Pick<Run, "state" | "eta_s" | "next_images_s">} run */
function tuningOf({ state, eta_s: left, next_images_s: nextImages }) {
  if (state === "paused") return "Tuning waits while images are rendered";
  const time = typeof left !== "number" ? "Tuning the model" : `Tuning: ${left < 5 ? "nearly done" : `${duration(left)} left`}`;
  return typeof nextImages === "number" ? `${time}, next images in ${duration(nextImages)}` : time;
}
