// The card "It changed": comes when a run has ended, folds while somebody votes, and can be closed.

import { closest, find, findAll, PHONE, setText } from "../dom.js";
import { recall, remember } from "../storage.js";
import { listenToSliders } from "./before_after.js";
import { notify, setBadge, showInTitle } from "./notices.js";

/**
 * @typedef {import("../server").ChangeNews} ChangeNews
 *
 * @typedef {object} ChangeServer
 * @property {import("../types").Call<import("../server").ChangeRequest, ChangeNews>} change_news
 * @property {import("../types").Call<import("../server").ChangeAct, import("../server").ChangeAnswer>} change_act
 */

const ASK_EVERY_MS = 4000;
const HIDDEN_ASK_EVERY_MS = 15000;
// Somebody who gave a vote so recently is voting: the card comes folded, so that little moves.
const VOTING_MS = 30000;
// It comes with the next pair, so that nothing moves under a pointer, or after such a pause.
const PAUSE_MS = 8000;
const MAX_REMEMBERED = 30;
const [CLOSED, SEEN] = ["palate-closed-changes", "palate-seen-changes"];
const SEEN_EVENT = "palate-change-seen";
const NOT_ANSWERING = "Palate is not answering. Try again in a moment.";
const START_TEST = "start-blind-test";
const FAILED = "The run failed";
const [TRAIN_BUTTON, LABEL] = ["train-tab-button", "label"];

/**
 * Start a card.
 * @param {import("../types").Component<ChangeServer>} component
 */
export function start(component) {
  const card = new ChangeCard(component);
  card.listen();
  card.poll();
  return card;
}

/** Put the keyboard where a blind test is started, if the Judge tab was opened. */
export function focusStart() {
  const button = document.getElementById(START_TEST);
  if (button?.offsetParent) button.focus();
}

class ChangeCard {
  #element;
  #place;
  #server;
  #trigger;
  /** The key of the run on the card. */
  #key = "";
  /** What tells the card from others; null until the server has answered once. */
  #shown = /** @type {string | null} */ (null);
  #title = "";
  /** Why the newest run failed; null until the server has answered once. */
  #failed = /** @type {string | null} */ (null);
  #votedAt = -VOTING_MS;
  /** Whether the card waits for the next vote, or for a pause. */
  #waits = false;
  /** Whether its version was in use already when the page opened. */
  #decided = false;
  /** The stage, once it is on the page, and how many votes it has had confirmed. */
  #stage = /** @type {HTMLElement | null} */ (null);
  #acked = "";

  /** @param {import("../types").Component<ChangeServer>} component */
  constructor({ element, server, trigger }) {
    this.#element = element;
    this.#place = find(element, ".change-place");
    this.#server = server;
    this.#trigger = trigger;
  }

  get #onLabel() {
    return this.#place.dataset.place === LABEL;
  }

  /** Listen to the card's buttons and sliders, and to what happens around it. */
  listen() {
    listenToSliders(this.#element);
    this.#element.addEventListener("click", (event) => this.#onClick(event));
    document.getElementById(TRAIN_BUTTON)?.addEventListener("click", () => this.#onTrainOpened());
  }

  /** Watch for votes, as soon as the stage is on the page. */
  #watchStage() {
    const stage = /** @type {HTMLElement | null} */ (document.querySelector("#stage [data-acked]"));
    if (!stage || this.#stage) return;
    this.#stage = stage;
    this.#acked = stage.dataset.acked ?? "";
    new MutationObserver(() => this.#onCount(stage.dataset.acked ?? ""))
      .observe(stage, { attributeFilter: ["data-acked"] });
  }

  /** Ask for news now, and again until the card leaves the page. */
  async poll() {
    if (!this.#element.isConnected) return;
    // The card on Label asks in every tab, since the notices are its own.
    if (this.#onLabel) this.#watchStage();
    if (this.#onLabel || isTrainOpen()) await this.update();
    setTimeout(() => this.poll(), document.hidden ? HIDDEN_ASK_EVERY_MS : ASK_EVERY_MS);
  }

  /** Ask for news, and show them. */
  async update() {
    const news = await this.#server.change_news({ shown: this.#shown ?? "" });
    if (!news?.ok) return;
    this.#tellFailure(news.failed);
    if (news.shown === this.#shown && news.html === null) {
      this.#settle();
      return;
    }
    const [first, known] = [this.#shown === null, this.#key];
    this.#shown = news.shown;
    this.#show(news, first);
    if (first || news.key === known || !news.key || !this.#onLabel) return;

    // A run has ended just now.
    this.#tell(news.title, news.words);
    if (this.#pause >= VOTING_MS) return;
    this.#fold(true);
    this.#waits = true;
    this.#settle();
  }

  /** Milliseconds since the last vote. */
  get #pause() {
    return performance.now() - this.#votedAt;
  }

  /** Show the card, unless it is closed, needs no decision, or waits for somebody who votes. */
  #settle() {
    this.#updateBadge();
    if (this.#pause >= PAUSE_MS) this.#waits = false;
    const away = this.#waits || this.#decided || marked(CLOSED, this.#key);
    this.#place.hidden = this.#onLabel && away;
  }

  /**
   * Say what has happened, wherever somebody may look or listen.
   * @param {string} title
   * @param {string} words
   */
  #tell(title, words) {
    showInTitle(title);
    notify(title, words);
    setText(find(this.#element, ".change-news"), `${title}. ${words}`);
  }

  /** @param {string} failed */
  #tellFailure(failed) {
    const news = this.#failed !== null && failed !== this.#failed;
    this.#failed = failed;
    if (news && failed && this.#onLabel) this.#tell(FAILED, failed);
  }

  /**
   * @param {ChangeNews} news
   * @param {boolean} first
   */
  #show(news, first) {
    const another = this.#key !== news.key;
    const folded = this.#folded;
    [this.#key, this.#title] = [news.key, news.title];
    this.#place.innerHTML = news.html ?? "";
    if (another) this.#decided = first && this.#place.querySelector(".change[data-active]") !== null;
    const closed = this.#decided || marked(CLOSED, this.#key);
    // On a phone it would hide the images that somebody came to label.
    const small = this.#onLabel ? matchMedia(PHONE).matches : closed;
    if (news.html) this.#fold(another ? small : folded);
    if (!this.#onLabel) mark(SEEN, this.#key);
    this.#settle();
  }

  #updateBadge() {
    const old = marked(SEEN, this.#key) || marked(CLOSED, this.#key);
    if (this.#onLabel) setBadge(this.#key && !old ? this.#title : "");
  }

  get #folded() {
    return this.#place.querySelector(".change")?.hasAttribute("data-folded") ?? false;
  }

  /** @param {boolean} folded */
  #fold(folded) {
    const card = this.#place.querySelector(".change");
    card?.toggleAttribute("data-folded", folded);
    card?.querySelector("[data-fold]")?.setAttribute("aria-expanded", String(!folded));
  }

  // ---- what people do ---------------------------------------------------------------------
  /**
   * Fold the card once somebody votes on.
   * @param {string} acked
   */
  #onCount(acked) {
    if (acked === this.#acked) return;
    this.#acked = acked;
    this.#votedAt = performance.now();
    if (!this.#folded) this.#fold(true);
    this.#waits = false;
    this.#settle();
  }

  #onTrainOpened() {
    if (this.#onLabel && this.#key) mark(SEEN, this.#key);
    this.#updateBadge();
    if (!this.#onLabel) this.update();
  }

  /** @param {Event} event */
  #onClick(event) {
    const button = closest(event, "button");
    if (!button) return;
    const { act, link, before, after } = button.dataset;
    if (act || link || before) this.#see();
    if (button.matches("[data-fold]")) this.#fold(!this.#folded);
    else if (button.matches("[data-close]")) this.#close();
    else if (link) this.#trigger("select", { link });
    else if (before) this.#trigger("select", { before, after });
    else if (act) this.#act(act);
  }

  /** Whoever acted on the card has seen it: nothing else says any more that it is there. */
  #see() {
    mark(SEEN, this.#key);
    document.dispatchEvent(new CustomEvent(SEEN_EVENT));
    this.#updateBadge();
  }

  #close() {
    this.#see();
    mark(CLOSED, this.#key);
    this.#fold(true);
    this.#settle();
  }

  /** @param {string} action */
  async #act(action) {
    const buttons = findAll(this.#place, ".change-acts button");
    const byKeyboard = this.#place.contains(document.activeElement);
    const run = find(this.#place, ".change").dataset.run ?? "";
    for (const button of buttons) button.toggleAttribute("disabled", true);
    const answer = await this.#server.change_act({ run, action });
    for (const button of buttons) button.toggleAttribute("disabled", false);
    // Shown anew first, since a new card has said nothing yet.
    await this.update();
    const told = answer?.ok ? answer.told : answer?.error || NOT_ANSWERING;
    setText(find(this.#place, ".change-told"), told);
    if (byKeyboard && document.activeElement === document.body) find(this.#place, ".change-acts button").focus();
    if (!answer?.ok || action === "use") return;
    this.#close();
    if (action !== "keep") document.getElementById(TRAIN_BUTTON)?.click();
  }
}

// Asks the tab's button, since a card without content has no place on the page.
const isTrainOpen = () => document.getElementById(TRAIN_BUTTON)?.getAttribute("aria-selected") === "true";

/**
 * Return whether a run's card was closed, or seen, in this browser.
 * @param {string} kind
 * @param {string} key
 */
const marked = (kind, key) => read(kind).includes(key);

/**
 * @param {string} kind
 * @param {string} key
 */
function mark(kind, key) {
  const others = read(kind).filter((each) => each !== key);
  remember("localStorage", kind, JSON.stringify([...others, key].slice(-MAX_REMEMBERED)));
}

/**
 * @param {string} kind
 * @returns {string[]}
 */
function read(kind) {
  try {
    return JSON.parse(recall("localStorage", kind) || "[]");
  } catch {
    return [];
  }
}
