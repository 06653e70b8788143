// Status of the app, which the stage asks for as long as it is on the page.

import { find } from "../dom.js";
import { Purpose } from "./purpose.js";
import { callServer } from "./sender.js";
import { rememberSeen, seenVersion } from "./steps.js";

/**
 * @typedef {import("../server").StageStatus} StageStatus
 *
 * @typedef {object} StatusStage what the status needs of the stage
 * @property {HTMLElement} element
 * @property {Pick<import("../types").StageServer, "stage_status">} server
 * @property {URL} root
 * @property {import("../types").StageState} state
 * @property {Pick<import("./outbox.js").Outbox, "events">} outbox
 * @property {Pick<import("./view.js").StageView, "note">} view
 * @property {Pick<import("./status_view.js").StatusView, "blindTest" | "machine" | "status">} statusView
 * @property {Pick<import("./reasons.js").Annotations, "setReasons">} annotations
 * @property {Pick<import("./session.js").SessionCard, "take">} session
 * @property {Pick<import("./more_prompts.js").MorePrompts, "allow">} prompts
 * @property {Pick<import("./modes.js").Modes, "setBlindTest">} modes
 * @property {() => void} refresh
 */

const STATUS_EVERY_MS = 2500;
const HIDDEN_STATUS_EVERY_MS = 15000;

export const NO_WINNERS = "While a blind test comes in between, winners do not stay: two new images each time.";

/**
 * Return whether no winner stays, since a blind test is mixed in: its pairs are then counted as any.
 * @param {import("../server").LabelingStats} stats
 */
export const staysNone = ({ counts }) => counts?.again === null;

export class Status {
  #stage;
  #model = "";
  #purpose;

  /** @param {StatusStage} stage */
  constructor(stage) {
    this.#stage = stage;
    this.#purpose = new Purpose(stage.element);
    document.addEventListener("palate-change-seen", () => {
      if (!stage.element.isConnected) return;
      this.#remember();
      stage.refresh();
    });
  }

  /** Ask for the status now, and again until the stage leaves the page. */
  async poll() {
    if (!this.#stage.element.isConnected) return;
    await this.update();
    setTimeout(() => this.poll(), document.hidden ? HIDDEN_STATUS_EVERY_MS : STATUS_EVERY_MS);
  }

  /** Ask for the status and show it. */
  async update() {
    const { server, state, view, statusView, modes } = this.#stage;
    const { annotator, trial } = state;
    const reply = await callServer((request) => server.stage_status(request), { annotator, trial });
    // The annotator or the blind test changed while the answer was on its way.
    if (annotator !== state.annotator || trial !== state.trial) return;

    const progress = reply?.ok ? reply.trial : null;
    if (reply?.ok) statusView.blindTest(progress);
    const refused = reply?.ok === false && reply.retry === false;
    if (trial && (progress?.state === "ended" || refused)) {
      view.note(progress?.note || "This blind test has ended.", "problem");
      modes.setBlindTest("");
    }

    if (reply?.ok) this.#take(reply);
    else statusView.status(reply?.error || (await this.#describeOutage()), "problem");
    this.#stage.refresh();
  }

  /** @param {StageStatus} reply */
  #take(reply) {
    const { state, outbox, annotations, session, statusView, prompts } = this.#stage;
    const model = "sampler" in reply.activity ? reply.activity.sampler : null;
    this.#tellOfWinners(reply.stats, model !== null);
    Object.assign(state, { stats: reply.stats, every: reply.train_every, model });
    if ("sampler" in reply.activity) {
      this.#takeTuning(reply.activity);
      statusView.machine(reply.activity.model, reply.activity.sampler);
    }
    state.criteria = reply.project.criteria;
    annotations.setReasons(reply.project.reasons);
    prompts.allow(reply.may_add_prompts);
    this.#purpose.show(reply.project.purpose);
    // With unsent votes the page's own count is ahead of the server's.
    if (!outbox.events.length) session.take(reply.session);
    statusView.status(reply.activity.message, "calm");
  }

  /**
   * Say once that winners do not stay, while a blind test is mixed in; labelers are not told why.
   * @param {import("../server").LabelingStats} stats
   * @param {boolean} isAdmin
   */
  #tellOfWinners(stats, isAdmin) {
    const { state, view } = this.#stage;
    const known = state.stats ? staysNone(state.stats) : false;
    if (!state.keep || state.trial || known || !staysNone(stats)) return;
    view.note(isAdmin ? NO_WINNERS : "For now two new images each time; winners stay again later.");
  }

  /** @param {import("../server").ActivityView} activity */
  #takeTuning({ model, run, newest_version: newest }) {
    // Whoever has the Train tab open sees the result there.
    if (newest && document.getElementById("train-tab-button")?.getAttribute("aria-selected") === "true") {
      rememberSeen(model, newest);
    }
    this.#stage.state.tuning = { run, newest, seen: seenVersion(model, newest) };
    this.#model = model;
  }

  /** Lead to the result of the newest run, which counts as seen from then on. */
  seeChange() {
    this.#remember();
    // Where the card of what changed stands above the stage, there is no need to leave it.
    const card = document.querySelector("#label-tab .change-place:not([hidden]) .change");
    if (card instanceof HTMLElement) this.#unfold(card);
    else document.getElementById("train-tab-button")?.click();
    return this.update();
  }

  /** Remember that somebody has seen the newest result. */
  #remember() {
    const { tuning } = this.#stage.state;
    if (!tuning.newest) return;
    rememberSeen(this.#model, tuning.newest);
    tuning.seen = tuning.newest;
  }

  /** @param {HTMLElement} card */
  #unfold(card) {
    const fold = find(card, "[data-fold]");
    if (fold.getAttribute("aria-expanded") === "false") fold.click();
    fold.focus({ preventScroll: true });
    card.scrollIntoView({ block: "start" });
  }

  // A page calls the stage by its component number, which another Palate at this address may not know.
  async #describeOutage() {
    const url = new URL("health", this.#stage.root);
    // @ts-ignore TypeScript 4.8 does not know AbortSignal.timeout.
    const health = fetch(url, { signal: AbortSignal.timeout(STATUS_EVERY_MS) });
    return (await health.then((reply) => reply.ok, () => false))
      ? "Palate answers, but not to this page. If that goes on, reload it."
      : "The server is not answering. Trying again.";
  }
}
