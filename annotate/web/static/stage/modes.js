// Who labels, and what: the annotator's name, two or four images, and blind tests.

import { remember } from "../storage.js";

/**
 * @typedef {object} ModesStage what the modes need of the stage
 * @property {HTMLElement} element
 * @property {import("../types").StageState} state
 * @property {Pick<import("./view.js").StageView, "name" | "note" | "mode">} view
 * @property {Pick<import("./status_view.js").StatusView, "blindTest">} statusView
 * @property {Pick<import("./status.js").Status, "update">} status
 * @property {() => void} startOver drops what was fetched, and fetches anew
 */

export const NAME_KEY = "palate-annotator";
export const TRIAL_KEY = "palate-trial";
export const FOUR_KEY = "palate-four";
const MAX_NAME_LENGTH = 64;

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
    state.four = !state.four;
    remember("sessionStorage", FOUR_KEY, state.four ? "on" : "");
    view.mode(state.four);
    this.#stage.startOver();
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
