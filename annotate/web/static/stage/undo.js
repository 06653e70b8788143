// Undo: at once for events of this page. Else the server answers, which also knows events of other
// devices and from before a reload.

import { makeKey } from "../storage.js";

/**
 * @typedef {import("../types").HistoryEntry} HistoryEntry
 * @typedef {import("../types").Item} Item
 * @typedef {import("../types").UndoEvent} UndoEvent
 * @typedef {import("../server").UndoReply} UndoReply
 *
 * @typedef {object} UndoStage what undo needs of the stage
 * @property {HTMLElement} element
 * @property {import("../types").StageState} state
 * @property {Pick<import("./outbox.js").Outbox, "add">} outbox
 * @property {Pick<import("./view.js").StageView, "note">} view
 * @property {Pick<import("./reasons.js").Annotations, "setVote" | "show" | "takeBack" | "forget">} annotations
 * @property {Pick<import("./prefetch.js").Prefetcher, "prepare" | "putBack" | "drop">} prefetcher
 * @property {Pick<import("./session.js").SessionCard, "add">} session
 * @property {Pick<import("./verdict.js").Voting, "askCriterion">} voting
 * @property {Pick<import("./kept_winner.js").KeptWinner, "takeBack">} keptWinner
 * @property {(item: Item, pressedAt?: number) => void} show
 * @property {() => void} refresh
 * @property {() => void} refreshAndSend
 */

const COUNTED_KINDS = ["vote", "ranking"];
/** @type {Record<string, string>} */
const UNDO_MESSAGES = {
  vote: "Your vote is taken back. Choose again.",
  ranking: "Your ranking is taken back. Choose again.",
  report: "Your flag is taken back. The pair is shown again, as before.",
  strength: "It is a plain choice again.",
  reason: "The reason is taken back.",
  criterion: "The answer is taken back.",
};

export class Undo {
  #stage;

  /** @param {UndoStage} stage */
  constructor(stage) {
    this.#stage = stage;
    document.addEventListener("palate-vote-changed", this.#onChanged);
  }

  /**
   * Take back what was given last.
   * @param {number} pressedAt
   */
  async undo(pressedAt) {
    const { state, outbox, annotations } = this.#stage;
    const given = state.history.pop();
    const item = given?.item;
    /** @type {UndoEvent} */
    const event = { kind: "undo", key: makeKey(), of: given ? given.key : "", annotator: state.annotator };
    if (item) event.opened = item.pair.pair_id;
    if (!given) state.pendingUndo = event.key;
    if (item || !given) {
      annotations.setVote(null);
      annotations.show();
    }

    await outbox.add(event);
    if (given) await this.#takeBack(given, pressedAt);
    this.#stage.refreshAndSend();
  }

  /**
   * Take the server's answer, which decides what the last event was.
   * @param {UndoEvent} event
   * @param {UndoReply} reply
   */
  async answered(event, { undone, opens, note, pair }) {
    const { state, view, annotations } = this.#stage;
    const expected = undone.key === event.of;
    if (!expected || note !== UNDO_MESSAGES[undone.kind]) view.note(note);

    // The pair of a flag that stays is not shown again.
    const gone = expected ? undone.kind === "report" && !opens : true;
    if (gone && event.opened && event.opened === state.current?.pair.pair_id) {
      Object.assign(state, { current: null, asking: null });
    }
    if (!expected) {
      // There was a later event that this page does not know of, so its own history is no guide.
      state.history = [];
      if (opens || undone.kind === "criterion") await this.#openAgain(undone, pair);
      else annotations.takeBack(undone.of || "", undone.name || "");
    }
    if (state.pendingUndo === event.key) state.pendingUndo = null;
    this.#stage.refresh();
  }

  /**
   * Follow a change in the gallery of one's own votes; a pair whose vote was taken back is asked next.
   * @param {Event} event a CustomEvent with the key of the vote as it was, and the pair to ask again
   * @returns {void}
   */
  #onChanged = (event) => {
    const { element, state, annotations, prefetcher } = this.#stage;
    if (!element.isConnected) return document.removeEventListener("palate-vote-changed", this.#onChanged);
    const { key, pair } = /** @type {CustomEvent} */ (event).detail;
    annotations.forget(key);
    // What was given last is known to the server alone by now.
    state.history = [];
    if (!pair || state.four || state.trial || state.current?.pair.pair_id === pair.pair_id) return undefined;
    prefetcher.drop((item) => item.pair.pair_id === pair.pair_id);
    return prefetcher.putBack(prefetcher.prepare(pair));
  };

  /**
   * @param {HistoryEntry} given
   * @param {number} pressedAt
   */
  async #takeBack(given, pressedAt) {
    const { annotations, view, session, keptWinner } = this.#stage;
    const { item, of = "", name = "" } = given;
    if (item && given.kind === "vote") keptWinner.takeBack(item);
    if (item) await this.#open({ ...given, item }, pressedAt);
    else annotations.takeBack(of, name);
    if (COUNTED_KINDS.includes(given.kind)) session.add(-1);
    view.note(UNDO_MESSAGES[given.kind]);
  }

  /**
   * Show the images of an event again, and ask its criterion again.
   * @param {{ kind: string, of?: string, item: Item, asked?: string[] }} given
   * @param {number} [pressedAt]
   */
  async #open({ kind, of = "", item, asked = [] }, pressedAt) {
    const { state, prefetcher, voting } = this.#stage;
    if (item.broken || !item.images) await item.loaded;
    if (!item.images) return;
    const { current } = state;
    if (current && current.pair.pair_id !== item.pair.pair_id) prefetcher.putBack(current);
    this.#stage.show(item, pressedAt);
    if (kind === "criterion") voting.askCriterion(of, asked);
  }

  /**
   * @param {UndoReply["undone"]} undone
   * @param {UndoReply["pair"]} pair
   */
  async #openAgain({ kind, of, name = "" }, pair) {
    const item = this.#stage.prefetcher.prepare(pair);
    await item.loaded;
    await this.#open({ kind, of, item, asked: [name] });
  }
}
