// Labeling sessions: a goal, its progress, pauses, and a summary.

import { createElement, find } from "../dom.js";
import { plural } from "./wording.js";

/**
 * @typedef {import("../server").SessionProgress} Session
 * @typedef {import("../server").SessionSummary} SessionSummary
 * @typedef {import("../server").StageSession} StageSession
 * @typedef {{ action: string, goal?: number }} Request
 */

/** @type {Record<string, string>} */
const VERDICT_LABELS = {
  left: "left", right: "right", tie: "ties", both_good: "both good", both_bad: "both bad",
  skip: "skipped", ranking: "groups of four ranked",
};
/**
 * What a button of the card asks the server for.
 * @type {Record<string, string>}
 */
const REQUESTS = {
  "session-pause": "paused", "session-on": "open", "session-end": "ended", "session-summary": "summary",
};
// The server's actions that answer with a summary to show.
const SUMMARIZING = ["summary", "ended"];
const UNKNOWN = "–";

export class SessionCard {
  /** @type {Session | null} */
  now = null;
  #find;
  #card;
  #chip;
  #call;
  #unsent;
  #onPaused;
  #onReached;

  /**
   * @param {object} parts
   * @param {HTMLElement} parts.element
   * @param {(request: Request) => Promise<import("../types").Reply<StageSession>>} parts.call
   * @param {() => number} parts.unsent how many votes the server does not have yet
   * @param {(paused: boolean) => void} parts.onPaused
   * @param {(goal: number) => void} parts.onReached
   */
  constructor({ element, call, unsent, onPaused, onReached }) {
    /** @param {string} selector */
    this.#find = (selector) => find(element, selector);
    this.#card = this.#find(".session-card");
    this.#chip = this.#find(".session-chip");
    this.#call = call;
    this.#unsent = unsent;
    this.#onPaused = onPaused;
    this.#onReached = onReached;
    this.#render();
  }

  get paused() {
    return this.now?.state === "paused";
  }

  get shown() {
    return !this.#card.hidden;
  }

  /**
   * Take the server's state of the session, and tell when its goal is reached.
   * @param {Session | null} now
   */
  take(now) {
    const [before, known] = [this.paused, this.now];
    this.now = now;
    this.#render();
    if (before !== this.paused) this.#onPaused(this.paused);

    // A goal that was reached before the page was loaded was told then.
    const isSame = known && now && known.goal === now.goal;
    if (isSame && known.given < known.goal && isReached(now)) this.#onReached(now.goal);
  }

  /**
   * Count a vote at once, before the server's own count arrives.
   * @param {number} by
   */
  add(by) {
    if (this.now) this.take({ ...this.now, given: Math.max(0, this.now.given + by) });
  }

  /**
   * Do what a button of the card says.
   * @param {string} action
   */
  perform(action) {
    if (action === "session") return this.#open();
    if (action === "session-close") return this.close();
    if (action !== "session-begin") return this.#send({ action: REQUESTS[action] });

    const field = /** @type {HTMLInputElement} */ (this.#find(".session-goal"));
    const goal = Math.round(Number(field.value));
    return goal >= 1 ? this.#send({ action: "begin", goal }) : this.#showMessage("A goal is a number of votes.");
  }

  close() {
    this.#card.hidden = true;
    this.#find(".stage").focus({ preventScroll: true });
  }

  #open(summary = false) {
    this.#card.toggleAttribute("data-summary", summary);
    if (!summary) this.#showMessage("");
    this.#card.hidden = false;
    this.#find(".session-card [autofocus]").focus({ preventScroll: true });
  }

  #render() {
    const { now } = this;
    this.#chip.textContent = now ? `${now.given} of ${now.goal}${stateOf(now)}` : "Set a goal";
    this.#chip.style.setProperty("--done", String(now ? Math.min(1, now.given / now.goal) : 0));
    this.#chip.toggleAttribute("data-on", Boolean(now));
    this.#card.dataset.state = now ? now.state : "none";
  }

  /** @param {Request} request */
  async #send(request) {
    const reply = await this.#call(request);
    if (!reply || !reply.ok) {
      this.#showMessage(reply?.error || "The server is not answering. Try again in a moment.");
      return;
    }
    const ahead = this.#ahead(reply.session);
    this.take(reply.session && { ...reply.session, ...ahead });
    if (SUMMARIZING.includes(request.action) && reply.summary) this.#summarize({ ...reply.summary, ...ahead });
    else this.close();
  }

  /**
   * Return the page's own count while votes are unsent, so that the same number stands everywhere.
   * @param {Session | null} session the server's
   * @returns {{ given: number } | {}}
   */
  #ahead(session) {
    const isSame = session && this.now && session.goal === this.now.goal;
    return isSame && this.#unsent() ? { given: this.now?.given } : {};
  }

  /** @param {string} text */
  #showMessage(text) {
    this.#find(".session-message").textContent = text;
  }

  /** @param {SessionSummary} summary */
  #summarize(summary) {
    this.#find(".session-facts").replaceChildren(...factsOf(summary).flatMap(([name, value]) =>
      [createElement("dt", { textContent: name }), createElement("dd", { textContent: value })]));
    this.#showMessage(isReached(summary) ? "The goal is reached. Thank you." : "");
    this.#open(true);
  }
}

/** @param {{ given: number, goal: number }} session */
const isReached = ({ given, goal }) => given >= goal;

/** @param {Session} session */
const stateOf = (session) => (session.state === "paused" ? " · paused" : isReached(session) ? " · reached" : "");

/**
 * Return the lines of a summary; what is not known yet is a dash.
 * @param {SessionSummary} summary
 * @returns {[string, string][]}
 */
export function factsOf(summary) {
  const { minutes, per_minute: pace, median_ms: median, left_share: left } = summary;
  return [
    ["Votes", `${summary.given} of ${summary.goal}`],
    ["Time", minutes < 1 ? "under a minute" : plural(Math.round(minutes), "minute")],
    ["Pace", pace === null ? UNKNOWN : `${pace} per minute`],
    ["Median time per pair", median === null ? UNKNOWN : `${(median / 1000).toFixed(1)} s`],
    ["Left votes", left === null ? UNKNOWN : `${Math.round(100 * left)} %`],
    ...optional(summary.asked_twice > 0, "Same answer twice", `${summary.same_twice} of ${summary.asked_twice}`),
    ...optional(summary.liked.length > 0, "You prefer", summary.liked.join(", ")),
    ...Object.entries(summary.kinds).map(([kind, count]) =>
      /** @type {[string, string]} */ ([VERDICT_LABELS[kind] || kind, String(count)])),
  ];
}

/**
 * @param {boolean} shown
 * @param {string} name
 * @param {string} value
 * @returns {[string, string][]}
 */
const optional = (shown, name, value) => (shown ? [[name, value]] : []);
