// The view of the stage. Everything here writes to the page and decides nothing.

import { createElement, find, findAll, setText } from "../dom.js";
import { Arrangement } from "./arrangement.js";
import { followTop } from "./fit.js";
import { glyphOf } from "./keys.js";
import { Toast } from "./toast.js";
import { ToolsMenu } from "./tools_menu.js";

/**
 * @typedef {import("../types").Item} Item
 * @typedef {import("./keys.js").Keys} Keys
 */

// As often as the server keeps a winner.
const MAX_IN_A_ROW = 5;
// Longer prompts are set smaller, so that they stay in the room that every prompt has.
const LONG_PROMPT = 90;

export class StageView {
  stage;
  /**
   * The field with the annotator's name.
   * @type {HTMLInputElement}
   */
  name;
  // When the images that are shown were painted; 0 before.
  paintedAt = 0;
  arrangement;
  #element;
  #frames;
  #fourFrames;
  #cards;
  #coarse = matchMedia("(pointer: coarse)").matches;
  #undoName = this.#coarse ? "Undo" : "Z";
  #keeps = false;
  #inARow = 0;
  #toast;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    this.stage = find(element, ".stage");
    this.name = /** @type {HTMLInputElement} */ (find(element, ".who input"));
    this.#frames = findAll(element, ".pair .image");
    this.#fourFrames = findAll(element, ".four .image");
    this.#cards = findAll(element, ".card");
    this.arrangement = new Arrangement(element);
    this.tools = new ToolsMenu(element);
    this.#toast = new Toast(element, this.arrangement);
    followTop(this.stage);
  }

  /** Whether the stage can be seen: half of it at least, or a key would vote on what is out of sight. */
  get shown() {
    if (!this.#element.isConnected || this.#element.offsetParent === null) return false;
    if (document.fullscreenElement) return true;
    const { top, height } = this.stage.getBoundingClientRect();
    const seen = Math.min(top + height, window.innerHeight) - Math.max(top, 0);
    return seen >= Math.min(height, window.innerHeight) / 2;
  }

  /** Whether a card lies over the stage. */
  get covered() {
    return this.#cards.some((card) => !card.hidden);
  }

  /**
   * Call back once the browser has painted the last change.
   * @param {(now: number) => void} done
   */
  afterPaint(done) {
    // A page in the background never paints, so there it calls back at once.
    if (document.hidden) {
      setTimeout(() => done(performance.now()), 0);
      return;
    }
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        channel.port1.close();
        done(performance.now());
      };
      channel.port2.postMessage(null);
    });
  }

  /**
   * Show two or four images.
   * @param {Item} item
   * @param {number} [pressedAt] when the key was pressed that brought them
   */
  show(item, pressedAt) {
    const { pair, images } = item;
    this.stage.dataset.state = "pair";
    this.#element.dataset.pair = pair.pair_id;
    this.#prompt(pair.prompt);
    this.stage.dataset.layout = pair.urls ? "four" : "two";
    this.question(pair.question || (pair.urls ? "Which one is the best?" : ""));
    this.#inARow = (!pair.urls && pair.in_a_row) || 0;
    this.#tellKept();
    this.best(null);
    this.arrangement.take(images, Boolean(pair.urls));
    (pair.urls ? this.#fourFrames : this.#frames).forEach((frame, place) =>
      find(frame, ".frame").replaceChildren(...(images ? [images[place]] : [])));

    this.paintedAt = 0;
    this.afterPaint((now) => {
      this.paintedAt = now;
      if (pressedAt) this.#element.dataset.swapMs = (now - pressedAt).toFixed(1);
    });
  }

  /** @param {string} text */
  #prompt(text) {
    const prompt = this.#find(".prompt");
    setText(prompt, text);
    prompt.toggleAttribute("data-long", text.length > LONG_PROMPT);
    prompt.toggleAttribute("data-whole", false);
  }

  /** @param {string} text */
  question(text) {
    this.#setText(".question", text);
    this.#find(".question").hidden = !text;
    this.#find(".question").toggleAttribute("data-told", false);
  }

  /**
   * Mark the best of four, and ask for the worst next.
   * @param {number | null} place
   */
  best(place) {
    this.#fourFrames.forEach((frame, i) => frame.toggleAttribute("data-best", i === place));
    if (place !== null) this.question("And which one is the worst?");
    else if (this.stage.dataset.layout === "four") this.question("Which one is the best?");
  }

  /**
   * Show whether two or four images are asked for.
   * @param {boolean} four
   */
  mode(four) {
    this.#find(".mode").setAttribute("aria-pressed", String(four));
    this.#element.dataset.mode = four ? "four" : "two";
  }

  /**
   * Show whether winners stay.
   * @param {boolean} keep
   */
  keeping(keep) {
    this.#find(".keep").setAttribute("aria-pressed", String(keep));
    this.#keeps = keep;
    this.#tellKept();
  }

  /** Say whether a winner stays, where nothing is asked: for every pair, or the images would jump. */
  #tellKept() {
    const line = this.#find(".question");
    if (!line.hidden && !line.hasAttribute("data-told")) return;
    this.question(keptLine(this.#inARow, this.#keeps));
    line.toggleAttribute("data-told", true);
  }

  /**
   * Show why there are no images.
   * @param {string} title
   * @param {string} detail
   * @param {{ paused?: boolean, failed?: boolean, previews?: string[], cost?: string }} state
   */
  showEmpty(title, detail, { paused = false, failed = false, previews = [], cost = "" } = {}) {
    this.stage.dataset.state = "empty";
    this.stage.toggleAttribute("data-paused", paused);
    this.stage.toggleAttribute("data-failed", failed);
    this.#element.dataset.pair = "";
    this.#preview(previews);
    this.#setText(".empty-title", title);
    this.#setText(".empty-detail", detail);
    this.#setText(".empty-cost", cost);
  }

  /**
   * Show what is being rendered in the place of the images to come.
   * @param {string[]} urls
   */
  #preview(urls) {
    findAll(this.#element, ".placeholders i").forEach((place, index) => {
      const url = urls[index];
      place.toggleAttribute("data-preview", Boolean(url));
      place.style.setProperty("background-image", url ? `url("${url}")` : "none");
    });
  }

  /**
   * Show a sentence for a moment.
   * @param {string} text
   * @param {"calm" | "problem"} kind
   */
  note(text, kind = "calm") {
    this.#toast.show(text, kind);
  }

  /**
   * Confirm what was given.
   * @param {string} given a verdict, "ranking" or "report"
   */
  confirm(given) {
    this.#toast.confirm(given, this.#undoName);
  }

  /** @param {Keys} keys */
  toggleHelp(keys) {
    const help = this.#find(".help-card");
    if (!help.hidden) return this.closeHelp();
    this.showKeys(keys);
    help.hidden = false;
    return this.#find(".help-close").focus({ preventScroll: true });
  }

  closeHelp() {
    const help = this.#find(".help-card");
    if (help.hidden) return;
    help.hidden = true;
    this.stage.focus({ preventScroll: true });
  }

  /**
   * Show the present keys on the buttons and in the help.
   * @param {Keys} keys
   */
  showKeys(keys) {
    for (const { action, key } of keys.all()) {
      for (const kbd of findAll(this.#element, `[data-key="${action}"]`)) kbd.textContent = glyphOf(key);
    }
    this.#undoName = this.#coarse ? "Undo" : glyphOf(keys.of("undo"));
    // Who may not add prompts is offered no key for it.
    const noPrompts = this.#find('.tool[data-action="prompt"]').hidden;
    const offered = keys.all().filter(({ action }) => !(noPrompts && action === "prompt"));
    this.#find(".key-list").replaceChildren(...offered.flatMap(keyLine));
    this.#find('[data-action="keys-reset"]').hidden = !keys.changed();
    this.keyHint("Click a key, then press its replacement.");
  }

  /**
   * Say what to do about a key; a button is marked as the one that is asked for.
   * @param {string} text
   * @param {HTMLElement | null} button
   */
  keyHint(text, button = null) {
    this.#setText(".key-hint", text);
    for (const pick of findAll(this.#element, ".pick")) pick.toggleAttribute("data-asked", pick === button);
  }

  /** @param {string} selector */
  #find(selector) {
    return find(this.#element, selector);
  }

  /**
   * @param {string} selector
   * @param {string} text
   */
  #setText(selector, text) {
    setText(this.#find(selector), text);
  }
}

/**
 * Return what is said of a pair while winners stay; empty where none does.
 * @param {number} inARow
 * @param {boolean} keeps
 */
const keptLine = (inARow, keeps) =>
  inARow ? `The winner stays, ${inARow} of ${MAX_IN_A_ROW}` : keeps ? "Two new images" : "";

/**
 * Return a line of the help: a key to choose another one for, and what it does.
 * @param {import("./keys.js").Binding} bound
 */
function keyLine({ action, key, label }) {
  const pick = createElement("button", { type: "button", className: "pick", "data-pick": action },
    createElement("kbd", { textContent: glyphOf(key) }));
  pick.setAttribute("aria-label", `${label}: ${glyphOf(key)}. Choose another key`);
  return [createElement("dt", {}, pick), createElement("dd", { textContent: label })];
}
