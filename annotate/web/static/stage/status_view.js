// The lines around the images: counts of votes, progress, and what the app is doing.

import { find, findAll, setText } from "../dom.js";
import { openSetting } from "../settings.js";
import { plural } from "./wording.js";

/**
 * @typedef {Partial<import("../server").BlindTestProgress>} BlindTestProgress
 * @typedef {import("./steps.js").Steps} Steps
 */

// A test is not said to need more votes than this, however close it is.
const MANY_VOTES = 1000;
/** @type {Record<string, string>} */
const SHORT_DEVICES = { cpu: "CPU", mps: "Apple GPU", xpu: "Intel GPU" };

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
   * @param {string} [counts.sentence] what the votes are
   * @param {number} counts.acked
   * @param {number} counts.ready
   * @param {number} counts.unsent
   * @param {string} counts.error why the oldest one could not be sent
   * @param {boolean} counts.durable
   */
  counts({ votes, sentence = "", acked, ready, unsent, error, durable }) {
    Object.assign(this.#element.dataset, { acked, ready, unsent });
    setText(this.#find(".saved"), votes === null ? "" : `${plural(votes, "vote")} saved`);
    this.#find(".saved").title = sentence;
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
   * Show the way to a tuned model, and where somebody is on it.
   * @param {Steps} steps
   */
  progress({ step, choices, tuning, result, ready, bar }) {
    this.#find(".steps").dataset.step = String(step);
    setText(this.#find(".progress-text"), choices);
    setText(this.#find(".tuning-text"), tuning);
    setText(this.#find(".result-text"), result);
    const button = this.#find(".see-change");
    button.hidden = !ready;
    setText(button, ready);

    const track = this.#find(".track");
    track.hidden = !bar;
    if (!bar) return;
    this.#find(".fill").style.inlineSize = `${(100 * bar.done) / bar.of}%`;
    track.setAttribute("aria-valuemax", String(bar.of));
    track.setAttribute("aria-valuenow", String(bar.done));
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
      // Said once only, and in whole where the line is too narrow for it.
      setText(line, message);
      line.title = message;
      line.dataset.tone = tone;
    }
  }

  /**
   * Show in the page's head which model is open, and on what it runs.
   * @param {string} model
   * @param {Pick<import("../server").SamplerView, "device" | "device_summary">} sampler
   */
  machine(model, { device, device_summary: summary }) {
    for (const line of findAll(document, "[data-palate-machine]")) {
      const short = shortDevice(device, summary);
      setText(find(line, ".machine-model"), model);
      setText(find(line, ".machine-device"), short && ` · ${short}`);
      line.dataset.whole = `Model ${model}${summary ? `, on ${summary}` : ""}. Open its settings.`;
      line.setAttribute("aria-label", line.dataset.whole);
      line.onclick = () => openSetting("model");
      line.hidden = false;
    }
  }

  /** @param {string} selector */
  #find(selector) {
    return find(this.#element, selector);
  }
}

/**
 * Return a device in a word or two: the name of a card, or its kind.
 * @param {string} device
 * @param {string} summary
 */
function shortDevice(device, summary) {
  if (device === "cuda") return summary.split(",")[0].replace("NVIDIA ", "") || "GPU";
  return SHORT_DEVICES[device] || device;
}

/**
 * Return how many votes a blind test may still need, in words.
 * @param {BlindTestProgress} progress
 */
function votesLeft({ settled, votes, votes_needed: needed }) {
  if (settled) return "the outcome is clear";
  if (!needed || !votes) return "say which is better";
  const most = needed[1] >= MANY_VOTES ? "1,000 or more" : needed[1];
  const range = needed[0] === needed[1] ? most : `${needed[0]} to ${most}`;
  return needed[1] === 1 ? "about 1 vote to go" : `about ${range} votes to go`;
}
