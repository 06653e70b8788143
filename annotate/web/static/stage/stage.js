// The labeling stage: shows a pair, records the vote, and shows the next pair in the following frame.

import { pageRoot } from "../page_root.js";
import { fetchAccount, keepOwnEvents, showAccount, watchAccount } from "./account.js";
import { perform } from "./actions.js";
import { listenToInput } from "./gestures.js";
import { Keys } from "./keys.js";
import { shownUrl } from "../image_size.js";
import { Magnifier } from "./magnifier.js";
import { KeptWinner } from "./kept_winner.js";
import { MorePrompts } from "./more_prompts.js";
import { FOUR_KEY, keepsWinners, Modes, TRIAL_KEY } from "./modes.js";
import { openOutbox } from "./outbox.js";
import { PaceHint } from "./pace_hint.js";
import { PAIRS_AHEAD, Prefetcher } from "./prefetch.js";
import { Annotations } from "./reasons.js";
import { callServer, Sender } from "./sender.js";
import { SessionCard } from "./session.js";
import { Status } from "./status.js";
import { StatusView } from "./status_view.js";
import { stepsOf } from "./steps.js";
import { makeKey, NAME_KEY, recall, remember } from "../storage.js";
import { restoreTab } from "./tabs.js";
import { Undo } from "./undo.js";
import { Voting } from "./verdict.js";
import { StageView } from "./view.js";
import { costOfVotes, explainWait } from "./waiting.js";

/**
 * @typedef {import("../types").HistoryEntry} HistoryEntry
 * @typedef {import("../types").Item} Item
 * @typedef {import("../types").ItemEvent} ItemEvent
 * @typedef {import("../types").Person} Person
 * @typedef {import("../types").Remark} Remark
 * @typedef {import("../types").SentReply} SentReply
 * @typedef {import("../types").StageEvent} StageEvent
 * @typedef {import("../types").StageServer} StageServer
 * @typedef {import("../types").StageState} StageState
 * @typedef {import("../server").UndoReply} UndoReply
 */

const ACKED_KEY = "palate-acked";
const MAX_HISTORY = 400;
const COUNTDOWN_MS = 1000;
// Pairs of other prompts to hold while winners stay: each new image that is held was rendered.
const PAIRS_BESIDE_WINNERS = 3;

/**
 * Start the stage of a page.
 * @param {import("../types").Component<StageServer>} component
 */
export async function start({ element, server }) {
  const outbox = await openOutbox();
  const root = pageRoot();
  const person = await fetchAccount(root);
  keepOwnEvents(outbox, person);
  new Stage({ element, server, root, outbox, person }).start();
}

/**
 * Return what the browser remembers of the annotator and the mode.
 * @param {Person | null} person
 * @returns {StageState}
 */
function rememberedState(person) {
  const annotator = person?.name || recall("localStorage", NAME_KEY) || `guest-${makeKey().slice(0, 4)}`;
  const trial = recall("sessionStorage", TRIAL_KEY) || "";
  const four = !trial && recall("sessionStorage", FOUR_KEY) === "on";
  const acked = Number(recall("sessionStorage", ACKED_KEY)) || 0;
  const keep = !four && keepsWinners(annotator);
  return {
    annotator, trial, four, keep, awaited: null, acked, current: null, best: null, asking: null, history: [], stats: null,
    every: 0, pendingUndo: null, criteria: [], model: null, tuning: { run: null, newest: null, seen: null },
  };
}

export class Stage {
  keys = new Keys();

  /**
   * @param {object} given
   * @param {HTMLElement} given.element
   * @param {StageServer} given.server
   * @param {URL} given.root
   * @param {import("./outbox.js").Outbox} given.outbox
   * @param {Person | null} given.person
   */
  constructor({ element, server, root, outbox, person }) {
    this.element = element;
    this.server = server;
    this.root = root;
    this.outbox = outbox;
    this.person = person;
    this.state = rememberedState(person);

    this.view = new StageView(element);
    this.statusView = new StatusView(element);
    this.magnifier = new Magnifier(element);
    this.paceHint = new PaceHint(this.view.stage);
    this.annotations = new Annotations(element, this.keys, (remark) => this.annotate(remark));
    this.prefetcher = new Prefetcher({
      fetchPairs: (request) => server.stage_pairs({ ...this.asker(), ...request }),
      resolve: (url) => shownUrl(new URL(url, root), window),
      openPairIds: () => this.openPairIds(),
      onChange: () => this.refresh(),
      ahead: () => (this.state.keep ? PAIRS_BESIDE_WINNERS : PAIRS_AHEAD),
    });
    this.sender = new Sender({
      outbox,
      send: (event) => server.stage_send(event),
      onSent: (event, reply) => this.onSent(event, reply),
      onRefused: (event, error) => this.onRefused(event, error),
      onChange: () => this.refresh(),
    });
    this.session = new SessionCard({
      element,
      call: (request) => callServer(server.stage_session, { annotator: this.state.annotator, ...request }),
      unsent: () => outbox.events.length,
      onPaused: () => this.startOver(),
      onReached: (goal) => this.view.note(`Goal reached: ${goal} of ${goal} votes. Go on as long as you like.`),
    });
    // These use the other parts of the stage.
    this.keptWinner = new KeptWinner(this);
    this.voting = new Voting(this);
    this.undoer = new Undo(this);
    this.prompts = new MorePrompts(this);
    /** @type {Status} */
    this.status = new Status(this);
    /** @type {Modes} */
    this.modes = new Modes(this);
  }

  /** Show what the browser remembers, listen, and ask for pairs. */
  start() {
    const { element, keys, view, magnifier, person, state } = this;
    this.modes.listen();
    listenToInput({
      element, keys, view, magnifier,
      perform: (action, pressedAt) => perform(this, action, pressedAt),
      layout: () => (state.current?.pair.urls ? "four" : "two"),
    });
    this.#showName();
    showAccount(person);
    watchAccount(element, this.root, person);
    view.mode(state.four);
    view.keeping(state.keep && !state.trial);
    view.showKeys(keys);
    this.annotations.redraw();

    // Votes that were unsent at a reload can still be undone.
    for (const event of this.#unsentOnImages().filter((event) => event.annotator === state.annotator)) {
      this.addToHistory({ key: event.key, kind: event.kind, item: this.prefetcher.prepare(event.pair) });
    }
    if (document.activeElement === document.body) view.stage.focus({ preventScroll: true });
    restoreTab();
    this.refreshAndSend();
    this.status.poll();
    // Counts down the seconds of a wait.
    setInterval(() => {
      if (element.isConnected && !state.current) this.refresh();
    }, COUNTDOWN_MS);
  }

  /** Show the next images if there are none, and every count. */
  refresh() {
    const { state, view, statusView, session, prefetcher, outbox, sender } = this;
    if (!state.current && !state.pendingUndo && !state.awaited && !session.paused) {
      const next = prefetcher.take();
      if (next) this.show(next);
    }
    if (!state.current && !state.awaited) {
      const { model, stats } = state;
      const situation = { paused: session.paused, prefetcher, unsent: outbox.events.length, model, stats };
      const { title, detail, ...marks } = explainWait({ ...situation, now: Date.now() });
      view.showEmpty(title, detail, marks);
    }

    statusView.counts({
      votes: state.stats && state.stats.votes,
      sentence: state.stats?.counts?.sentence,
      acked: state.acked,
      ready: prefetcher.ready,
      unsent: outbox.events.length,
      error: sender.error,
      durable: outbox.durable,
    });
    statusView.cost(costOfVotes(state.stats));
    if (state.stats) {
      const { until_next_run: until, counts } = state.stats;
      statusView.progress(stepsOf({ every: state.every, until, choices: counts.choices, ...state.tuning }));
    }
  }

  refreshAndSend() {
    this.refresh();
    this.sender.drain();
    if (!this.session.paused) this.prefetcher.refill();
  }

  /** Drop the fetched pairs, which go to others, and fetch new ones. */
  startOver() {
    Object.assign(this.state, { history: [], current: null, asking: null, awaited: null });
    this.annotations.setVote(null);
    this.annotations.show();
    this.prefetcher.empty();
    this.refreshAndSend();
  }

  /**
   * @param {Item} item
   * @param {number} [pressedAt]
   */
  show(item, pressedAt) {
    this.magnifier.reset();
    Object.assign(this.state, { current: item, best: null, asking: null });
    this.view.show(item, pressedAt);
  }

  /**
   * Put an annotation into the outbox, before anything on the page changes.
   * @param {Remark} remark
   */
  record(remark) {
    /** @type {StageEvent} */
    const event = { key: makeKey(), annotator: this.state.annotator, kind: "remark", ...remark };
    Promise.resolve(this.outbox.add(event)).then(() => this.sender.drain());
    return event;
  }

  /** @param {Remark} remark */
  annotate(remark) {
    const { key } = this.record(remark);
    this.addToHistory({ key, kind: remark.remark, of: remark.of, name: remark.name });
  }

  /** @param {HistoryEntry} entry */
  addToHistory(entry) {
    this.state.history = [...this.state.history, entry].slice(-MAX_HISTORY);
  }

  /** Return who asks for pairs, and of which kind. */
  asker() {
    const { annotator, trial, four, keep } = this.state;
    return { annotator, trial, four, keep };
  }

  /** Return the ids of the pairs that are shown, or whose votes are unsent. */
  openPairIds() {
    const { current } = this.state;
    const unsent = this.#unsentOnImages().map((event) => event.pair.pair_id);
    return current ? [current.pair.pair_id, ...unsent] : unsent;
  }

  /**
   * @param {StageEvent} event
   * @param {SentReply} reply
   */
  onSent(event, reply) {
    const { state } = this;
    state.acked += 1;
    remember("sessionStorage", ACKED_KEY, String(state.acked));
    const { votes, until_next_run } = reply;
    if (state.stats) Object.assign(state.stats, { votes, until_next_run });
    if (reply.pace_hint) this.paceHint.show(reply.pace_hint);
    if (this.keptWinner.stays(event)) this.keptWinner.answered(event.key, reply.next);
    if (event.kind === "undo") this.undoer.answered(event, /** @type {SentReply & UndoReply} */ (reply));
  }

  /**
   * @param {StageEvent} event
   * @param {string} error
   */
  onRefused(event, error) {
    const { state } = this;
    state.history = state.history.filter((entry) => entry.key !== event.key);
    if (state.pendingUndo === event.key) state.pendingUndo = null;
    if (state.awaited === event.key) state.awaited = null;
    this.annotations.forget(event.key);
    this.view.note(error, "problem");
  }

  /**
   * Return unsent votes, rankings and flags, without those that an unsent undo takes back.
   * @returns {ItemEvent[]}
   */
  #unsentOnImages() {
    const { events } = this.outbox;
    const undone = new Set(events.map((event) => event.kind === "undo" && event.of));
    return /** @type {ItemEvent[]} */ (events.filter((event) => "pair" in event && !undone.has(event.key)));
  }

  #showName() {
    const { view, state } = this;
    view.name.value = state.annotator;
    view.name.readOnly = Boolean(this.person);
    view.name.addEventListener("change", () => this.modes.changeName());
    view.name.addEventListener("keydown", (event) => event.key === "Enter" && view.stage.focus());
    remember("localStorage", NAME_KEY, state.annotator);
  }
}
