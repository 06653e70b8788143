// Voting: verdicts, answers by criterion, rankings and flags. Each goes into the history, so that it
// can be undone, newest first.

import { makeKey } from "../storage.js";

/**
 * @typedef {import("../types").Act} Act
 * @typedef {import("../types").HistoryEntry} HistoryEntry
 * @typedef {import("../types").Item} Item
 * @typedef {import("../types").ItemEvent} ItemEvent
 * @typedef {import("../types").Remark} Remark
 * @typedef {import("../types").Verdict} Verdict
 *
 * @typedef {object} VotingStage what voting needs of the stage
 * @property {import("../types").StageState} state
 * @property {Pick<import("./outbox.js").Outbox, "add">} outbox
 * @property {Pick<import("./view.js").StageView, "paintedAt" | "afterPaint" | "best" | "confirm" | "question">} view
 * @property {Pick<import("./reasons.js").Annotations, "setVote" | "show">} annotations
 * @property {Pick<import("./prefetch.js").Prefetcher, "take">} prefetcher
 * @property {Pick<import("./session.js").SessionCard, "add">} session
 * @property {Pick<import("./kept_winner.js").KeptWinner, "stays" | "await">} keptWinner
 * @property {(item: Item, pressedAt: number) => void} show
 * @property {(remark: Remark) => { key: string }} record
 * @property {(entry: HistoryEntry) => void} addToHistory
 * @property {() => void} refreshAndSend
 */

/** @type {Verdict[]} */
const VERDICTS = ["left", "right", "tie", "both_good", "both_bad", "skip"];
/** @type {Verdict[]} */
const CRITERION_ANSWERS = ["left", "right", "tie", "skip"];

/**
 * @param {string} action
 * @returns {action is Verdict}
 */
export const isVerdict = (action) => VERDICTS.some((verdict) => verdict === action);

export class Voting {
  #stage;

  /** @param {VotingStage} stage */
  constructor(stage) {
    this.#stage = stage;
  }

  /**
   * Give a verdict on the images that are shown, or answer the criterion that is asked.
   * @param {Verdict} verdict
   * @param {number} pressedAt
   */
  vote(verdict, pressedAt) {
    const { asking, current, keep, trial } = this.#stage.state;
    if (!current) return;
    if (asking) {
      if (CRITERION_ANSWERS.includes(verdict)) this.#answer(verdict, pressedAt);
    } else if (!current.pair.urls) {
      const kept = keep && !trial ? { keep: true } : {};
      this.#submit({ kind: "vote", verdict, ...kept }, verdict, pressedAt);
    } else if (verdict === "skip") {
      this.#submit({ kind: "ranking", best: null, worst: null }, "skip", pressedAt);
    }
  }

  /**
   * Choose one of four images: first the best, then the worst; the best again takes it back.
   * @param {number} place
   * @param {number} pressedAt
   */
  rank(place, pressedAt) {
    const { state, view } = this.#stage;
    if (!state.current?.pair.urls) return;
    if (state.best === null || state.best === place) {
      state.best = state.best === null ? place : null;
      view.best(state.best);
      return;
    }
    this.#submit({ kind: "ranking", best: state.best, worst: place }, "ranking", pressedAt);
  }

  /**
   * Flag the images that are shown, so that nobody else sees them.
   * @param {number} pressedAt
   */
  flag(pressedAt) {
    this.#submit({ kind: "report", note: "" }, "report", pressedAt);
  }

  /**
   * Ask for the project's criteria, one after the other, about the pair that was just voted on.
   * @param {string} key
   * @param {string[]} criteria
   */
  askCriterion(key, [name, ...rest]) {
    const { state, view } = this.#stage;
    state.asking = { key, name, rest };
    view.question(`Which one by ${name}?`);
  }

  /**
   * Put an act into the outbox, and show the next images at once if the browser kept it.
   * @param {Act} act
   * @param {string} confirmation
   * @param {number} pressedAt
   */
  #submit(act, confirmation, pressedAt) {
    const { state, outbox } = this.#stage;
    const item = state.current;
    if (!item) return;
    /** @type {ItemEvent} */
    const event = {
      key: makeKey(),
      pair_id: item.pair.pair_id,
      annotator: state.annotator,
      response_ms: this.#responseMs(pressedAt),
      pair: item.pair,
      ...act,
    };

    const stored = outbox.add(event);
    const submitted = () => this.#afterSubmit(event, item, confirmation, pressedAt);
    if (stored) stored.then(submitted);
    else submitted();
  }

  /**
   * @param {ItemEvent} event
   * @param {Item} item
   * @param {string} confirmation
   * @param {number} pressedAt
   */
  #afterSubmit(event, item, confirmation, pressedAt) {
    const { state, view, annotations, session, keptWinner } = this.#stage;
    this.#stage.addToHistory({ key: event.key, kind: event.kind, item });
    const criteria = this.#criteriaOf(event);
    if (criteria.length) this.askCriterion(event.key, criteria);
    else if (keptWinner.stays(event)) this.#awaitWinner(event.key);
    else this.#advance(pressedAt);
    if (state.trial) annotations.setVote(null);
    else annotations.setVote(event, item.images);

    // The next pair is painted before anything else is shown.
    view.afterPaint(() => {
      annotations.show();
      view.confirm(confirmation);
      // After the confirmation, which would hide that a goal is reached.
      if (event.kind !== "report") session.add(1);
      this.#stage.refreshAndSend();
    });
  }

  /** @param {ItemEvent} event */
  #criteriaOf(event) {
    const { trial, criteria } = this.#stage.state;
    return event.kind === "vote" && event.verdict !== "skip" && !trial ? criteria : [];
  }

  /** @param {string} key */
  #awaitWinner(key) {
    this.#stage.state.current = null;
    this.#stage.keptWinner.await(key);
  }

  /** @param {number} pressedAt */
  #advance(pressedAt) {
    const { state, prefetcher } = this.#stage;
    state.current = null;
    const item = prefetcher.take();
    if (item) this.#stage.show(item, pressedAt);
  }

  /**
   * @param {Verdict} verdict
   * @param {number} pressedAt
   */
  #answer(verdict, pressedAt) {
    const { state } = this.#stage;
    if (!state.asking || !state.current) return;
    const { key, name, rest } = state.asking;
    if (verdict !== "skip") {
      const recorded = this.#stage.record({ of: key, remark: "criterion", name, value: verdict });
      const asked = [name, ...rest];
      this.#stage.addToHistory({ key: recorded.key, kind: "criterion", of: key, item: state.current, asked });
    }
    if (rest.length) {
      this.askCriterion(key, rest);
      return;
    }
    this.#advance(pressedAt);
    this.#stage.refreshAndSend();
  }

  /** @param {number} pressedAt */
  #responseMs(pressedAt) {
    const { paintedAt } = this.#stage.view;
    return paintedAt ? Math.max(0, Math.round(pressedAt - paintedAt)) : null;
  }
}
