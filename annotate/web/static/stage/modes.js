// Who labels, and what: the annotator's name, two images, four, or a winner that stays, and blind tests.

import { NAME_KEY, recall, remember } from "../storage.js";
import { NO_WINNERS, staysNone } from "./status.js";

/**
 * @typedef {object} ModesStage what the modes need of the stage
 * @property {HTMLElement} element
 * @property {import("../types").StageState} state
 * @property {Pick<import("./view.js").StageView, "name" | "note" | "mode" | "keeping">} view
 * @property {Pick<import("./status_view.js").StatusView, "blindTest">} statusView
 * @property {Pick<import("./status.js").Status, "update">} status
 * @property {() => void} startOver drops what was fetched, and fetches anew
 */

export const TRIAL_KEY = "palate-trial";
export const FOUR_KEY = "palate-four";
const KEEP_KEY = "palate-keep";
const MAX_NAME_LENGTH = 64;

/**
 * Return whether an annotator chose to keep winners in this browser.
 * @param {string} annotator
 */
export const keepsWinners = (annotator) => recall("localStorage", `${KEEP_KEY}:${annotator}`) === "on";

export class Modes {
  #stage;

  /** @param {ModesStage} stage */
  constructor(stage) {
    this.#stage = stage;
  }

  /** Join the blind tests whose cards ask for a vote. */
  listen() {
    document.addEventListener("palate-trial", this.#onBlindTest);
  }

  /** Take the name in the field, if it is another one. */
  changeName() {
    const { state, view } = this.#stage;
    const chosen = view.name.value.replace(/[^\P{C}]/gu, "").trim().slice(0, MAX_NAME_LENGTH);
    view.name.value = chosen || state.annotator;
    if (!chosen || chosen === state.annotator) return;
    state.annotator = chosen;
    remember("localStorage", NAME_KEY, chosen);
    state.keep = keepsWinners(chosen) && !state.four;
    view.keeping(state.keep);
    this.#stage.startOver();
    this.#stage.status.update();
  }

  /** Change between two and four images. */
  toggleFour() {
    const { state, view } = this.#stage;
    if (state.trial) {
      view.note("A blind test shows two at a time.");
      return;
    }
    this.#setFour(!state.four);
    if (state.four) this.#setKeep(false);
    this.#stage.startOver();
  }

  /** Keep winners from now on, or no longer. */
  toggleKeep() {
    const { state, view } = this.#stage;
    if (state.trial) {
      view.note("A blind test shows new images only.");
      return;
    }
    this.#setKeep(!state.keep);
    const stays = state.stats && staysNone(state.stats) ? NO_WINNERS : "The winner stays, up to five times in a row.";
    view.note(state.keep ? stays : "Two new images each time.");
    if (!state.four) return;
    this.#setFour(false);
    this.#stage.startOver();
  }

  /** @param {boolean} four */
  #setFour(four) {
    const { state, view } = this.#stage;
    state.four = four;
    remember("sessionStorage", FOUR_KEY, four ? "on" : "");
    view.mode(four);
  }

  /** @param {boolean} keep */
  #setKeep(keep) {
    const { state, view } = this.#stage;
    state.keep = keep;
    remember("localStorage", `${KEEP_KEY}:${state.annotator}`, keep ? "on" : "");
    view.keeping(keep);
  }

  /**
   * Join a blind test, or with "" leave it.
   * @param {string} trial
   */
  setBlindTest(trial) {
    const { state, view, statusView } = this.#stage;
    if (trial === state.trial) return;
    state.trial = trial;
    state.four = state.four && !trial;
    remember("sessionStorage", TRIAL_KEY, trial);
    view.mode(state.four);
    view.keeping(state.keep && !trial);
    statusView.blindTest(trial ? { trial } : null);
    this.#stage.startOver();
    this.#stage.status.update();
  }

  /**
   * @param {Event} event a CustomEvent of a blind test's card, which names the test
   * @returns {void}
   */
  #onBlindTest = (event) => {
    if (!this.#stage.element.isConnected) return document.removeEventListener("palate-trial", this.#onBlindTest);
    if (event instanceof CustomEvent) this.setBlindTest(event.detail);
    return document.getElementById("label-tab-button")?.click();
  };
}
