// The lines around the images: counts of votes, progress, and what the app is doing.

import { find, findAll, setText } from "../dom.js";
import { plural } from "./wording.js";

/** @typedef {Partial<import("../server").BlindTestProgress>} BlindTestProgress */

// A test is not said to need more votes than this, however close it is.
const MANY_VOTES = 1000;

export class StatusView {
  #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
  }

  /**
   * Show the counts of votes.
   * @param {object} counts
   * @param {number | null} counts.votes
   * @param {number} counts.acked
   * @param {number} counts.ready
   * @param {number} counts.unsent
   * @param {string} counts.error why the oldest one could not be sent
   * @param {boolean} counts.durable
   */
  counts({ votes, acked, ready, unsent, error, durable }) {
    Object.assign(this.#element.dataset, { acked, ready, unsent });
    setText(this.#find(".saved"), votes === null ? "" : `${plural(votes, "vote")} saved`);
    this.#find(".not-stored").hidden = durable;

    const badge = this.#find(".unsent");
    badge.hidden = !unsent;
    badge.textContent = `${unsent} unsent`;
    badge.title =
      error ||
      (durable
        ? "Kept in this browser until the server has them, also when the page reloads."
        : "This browser keeps no data for this page: leave it open until these are sent.");
  }

  /**
   * Show how many votes the next fine-tune waits for.
   * @param {number} every
   * @param {number | null} until
   * @param {number | null} decisive
   */
  progress(every, until, decisive) {
    const bar = this.#find(".track");
    bar.hidden = !every || until === null;
    if (!every || until === null) {
      setText(this.#find(".progress-text"), decisive === null ? "" : plural(decisive, "decisive vote"));
      return;
    }

    const done = Math.min(every, Math.max(0, every - until));
    const text = done === every
      ? `${every} decisive votes: the next fine-tune starts soon`
      : `${done} of ${every} decisive votes until the next fine-tune`;
    setText(this.#find(".progress-text"), text);
    this.#find(".fill").style.inlineSize = `${(100 * done) / every}%`;
    bar.setAttribute("aria-valuemax", String(every));
    bar.setAttribute("aria-valuenow", String(done));
  }

  /**
   * Show in the help how fast images come, and what each way to vote takes of them.
   * @param {string} text
   */
  cost(text) {
    setText(this.#find(".help-cost"), text);
    this.#find(".help-cost").hidden = !text;
  }

  /**
   * Show the progress of a blind test, but not who leads.
   * @param {BlindTestProgress | null} progress
   */
  blindTest(progress) {
    this.#find(".blind-test").hidden = !progress;
    if (!progress) return;
    const { after, before, votes, problem, settled } = progress;
    const name = after ? `Blind test of ${after} against ${before}` : "Blind test";
    const parts = [name, ...(votes ? [plural(votes, "vote")] : []), problem || votesLeft(progress)];
    setText(this.#find(".blind-test-text"), parts.join(" · "));
    this.#element.dataset.settled = String(Boolean(settled));
  }

  /**
   * Show what the app is doing.
   * @param {string} message
   * @param {"calm" | "problem"} tone
   */
  status(message, tone) {
    for (const line of findAll(document, "[data-palate-status]")) {
      line.textContent = message;
      line.dataset.tone = tone;
    }
  }

  /** @param {string} selector */
  #find(selector) {
    return find(this.#element, selector);
  }
}

/**
 * Return how many votes a blind test may still need, in words.
 * @param {BlindTestProgress} progress
 */
function votesLeft({ settled, votes, votes_needed: needed }) {
  if (settled) return "the outcome is clear";
  if (!needed || !votes) return "say which is better";
  const most = needed[1] >= MANY_VOTES ? "1,000 or more" : needed[1];
  return `about ${needed[0] === needed[1] ? most : `${needed[0]} to ${most}`} more votes to go`;
}
