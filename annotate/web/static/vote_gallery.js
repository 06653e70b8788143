// One's own votes, newest first, to look through and to change.

import { createElement, find, findAll, PHONE } from "./dom.js";
import { smallUrl } from "./image_size.js";
import { pageRoot } from "./page_root.js";
import { makeKey, NAME_KEY, recall } from "./storage.js";

/**
 * @typedef {import("./server").OwnVoteView} OwnVote
 * @typedef {import("./server").OwnRankingView} OwnRanking
 * @typedef {import("./server").OwnVotesRequest} OwnVotesRequest
 * @typedef {import("./server").ChangeVoteRequest} ChangeVoteRequest
 *
 * @typedef {object} GalleryServer
 * @property {import("./types").Call<OwnVotesRequest, import("./server").OwnVotesList>} own_votes_page
 * @property {import("./types").Call<ChangeVoteRequest, import("./server").ChangedVote>} own_vote_change
 */

const OTHERS = { tie: "Tie", both_good: "Both good", both_bad: "Both bad" };
const SILENT = "Palate is not answering. Try again in a moment.";
const FIXED = "Given in a blind test that has ended: its result was read, so the vote stays as it is.";
const TYPING_MS = 300;
// Pixels of a small image, on a fine screen too.
const SIDE = 512;

// On a phone the stage has them above each other, or one at a time, and the gallery beside each other.
const sides = () => (matchMedia(PHONE).matches ? ["First", "Second"] : ["Left", "Right"]);

/** @returns {Record<string, string>} what each verdict was */
function verdicts() {
  const [left, right] = sides().map((side) => `${side} is better`);
  return { left, right, ...OTHERS, skip: "Skipped" };
}

/** @returns {Record<string, string>} what each verdict is on its button */
function choices() {
  const [left, right] = sides();
  return { left, right, ...OTHERS, skip: "Skip" };
}

/**
 * Start the gallery.
 * @param {import("./types").Component<GalleryServer>} component
 */
export function start({ element, server }) {
  new Gallery(element, server).listen();
}

class Gallery {
  #before = 0;
  #request = 0;
  #server;
  #section;

  /**
   * @param {HTMLElement} element
   * @param {GalleryServer} server
   */
  constructor(element, server) {
    this.#server = server;
    this.#section = /** @type {HTMLDetailsElement} */ (find(element, ".vote-gallery"));
  }

  listen() {
    const section = this.#section;
    for (const option of findAll(section, "option")) {
      option.textContent = verdicts()[option.getAttribute("value") ?? ""] ?? option.textContent;
    }
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let typing;
    section.addEventListener("toggle", async () => {
      if (!section.open) return;
      const [summary, focused] = [find(section, "summary"), document.activeElement];
      // For the keyboard, where another button opened it.
      summary.focus({ preventScroll: true });
      await this.#load();
      // Only now is the page long enough to show it at the top.
      if (focused !== summary) section.scrollIntoView({ block: "start" });
    });
    this.#find(".gallery-verdict").addEventListener("change", () => this.#load());
    this.#find(".gallery-prompt").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#load(), TYPING_MS);
    });
    this.#find(".gallery-more").addEventListener("click", () => this.#load(this.#before));
    // It may have been opened before this script was there.
    if (section.open) this.#load();
  }

  /** @param {number} [before] the end of what is shown; without it from the newest on */
  async #load(before = 0) {
    this.#request += 1;
    const request = this.#request;
    const reply = await this.#server.own_votes_page({
      annotator: annotator(), before, verdict: this.#field(".gallery-verdict"), prompt: this.#field(".gallery-prompt"),
    });
    // Somebody has typed on meanwhile.
    if (request !== this.#request) return;
    if (!reply?.ok) {
      this.#note(reply?.error || SILENT);
      return;
    }

    const list = this.#find(".gallery");
    if (!before) list.replaceChildren();
    list.append(...reply.votes.map((vote) => this.#card(vote)), ...reply.rankings.map(fourCard));
    this.#before = reply.before;
    this.#find(".gallery-more").hidden = !reply.before;
    const some = reply.total === 1 ? "1 vote" : `${reply.total} votes`;
    this.#note(reply.total ? some : "No votes here yet. Four images at a time are listed by themselves.");
  }

  /** @param {OwnVote} vote */
  #card(vote) {
    const card = createElement("li", { className: "vote-card" });
    const redraw = () => card.replaceChildren(...partsOf(vote, {
      edit: () => card.toggleAttribute("data-editing"),
      choose: (verdict) => this.#change(vote, verdict, card, redraw),
    }));
    redraw();
    return card;
  }

  /**
   * @param {OwnVote} vote
   * @param {string} verdict empty to take it back
   * @param {HTMLElement} card
   * @param {() => void} redraw
   */
  async #change(vote, verdict, card, redraw) {
    card.toggleAttribute("data-editing", false);
    if (verdict === vote.verdict) return;
    const [key, was] = [makeKey(), vote.vote_key];
    const reply = await this.#server.own_vote_change({ annotator: annotator(), vote_key: was, verdict, key });
    if (!reply?.ok) {
      this.#note(reply?.error || SILENT);
      return;
    }
    announce(was, reply.opens ? vote : null);
    if (!verdict) {
      card.remove();
      this.#note(`Taken back.${reply.opens ? " The pair is asked again, as the next one." : ""}`);
      return;
    }
    Object.assign(vote, { verdict, vote_key: key, strong: false, reasons: [], criteria: {} });
    redraw();
    find(card, ".vote-edit").focus();
    this.#note(`Changed: ${verdicts()[verdict].toLowerCase()}. What was said of the choice before went with it.`);
  }

  /** @param {string} text */
  #note(text) {
    this.#find(".gallery-note").textContent = text;
  }

  /** @param {string} selector */
  #field(selector) {
    return /** @type {HTMLInputElement} */ (this.#find(selector)).value;
  }

  /** @param {string} selector */
  #find(selector) {
    return find(this.#section, selector);
  }
}

/**
 * Tell the stage that a vote was changed, or taken back: then its pair is asked again.
 * @param {string} key of the vote as it was
 * @param {OwnVote | null} asked
 */
function announce(key, asked) {
  const pair = asked && {
    pair_id: asked.pair_id, prompt: asked.prompt, left_url: asked.left_url, right_url: asked.right_url,
    ...(asked.question ? { question: asked.question } : {}),
  };
  document.dispatchEvent(new CustomEvent("palate-vote-changed", { detail: { key, pair } }));
}

/** Return who labels in this browser; whoever is signed in is known to the server. */
const annotator = () => recall("localStorage", NAME_KEY) || "";

/**
 * Return the card of four images, with the best and the worst marked.
 * @param {OwnRanking} ranking
 */
function fourCard({ prompt, urls, best, worst, at }) {
  const images = createElement("div", { className: "vote-images" }, ...urls.map((url, place) => {
    const said = place === best ? "best" : place === worst ? "worst" : "";
    return figureOf(url, `Image ${place + 1}${said && `, the ${said}`}`, said);
  }));
  const said = createElement("p", { className: "vote-said" },
    createElement("b", { textContent: best === null ? "Skipped" : "Best and worst of four" }), ` · ${timeOf(at)}`);
  const title = createElement("p", { className: "vote-prompt", textContent: prompt, title: prompt });
  return createElement("li", { className: "vote-card" }, title, images, said);
}

/**
 * Return the parts of a card: prompt, images with the chosen one marked, what was said, and the changes.
 * @param {OwnVote} vote
 * @param {{ edit: () => void, choose: (verdict: string) => void }} events
 */
function partsOf(vote, { edit, choose }) {
  const prompt = createElement("p", { className: "vote-prompt", textContent: vote.prompt, title: vote.prompt });
  const images = createElement("div", { className: "vote-images" }, ...["left", "right"].map((side) => imageOf(vote, side)));
  images.dataset.verdict = vote.verdict;
  const said = createElement("p", { className: "vote-said" }, createElement("b", { textContent: verdicts()[vote.verdict] }),
    ...[...saidOf(vote), timeOf(vote.at)].map((words) => ` · ${words}`));
  if (vote.fixed) {
    const why = createElement("span", { className: "vote-fixed", title: FIXED, textContent: "Test has ended" });
    return [prompt, images, said, why];
  }
  const button = createElement("button", { type: "button", className: "vote-edit", textContent: "Change" });
  button.addEventListener("click", edit);
  return [prompt, images, said, button, changesOf(vote, choose)];
}

/**
 * @param {OwnVote} vote
 * @param {string} side
 */
function imageOf(vote, side) {
  const url = side === "left" ? vote.left_url : vote.right_url;
  const isChosen = vote.verdict === side || vote.verdict === "both_good";
  const name = sides()[side === "left" ? 0 : 1].toLowerCase();
  return figureOf(url, `The ${name} image${isChosen ? ", chosen" : ""}`, isChosen ? "best" : "");
}

/**
 * Return an image of a card.
 * @param {string} url
 * @param {string} alt
 * @param {string} said of it: best, worst or nothing
 */
function figureOf(url, alt, said) {
  const image = createElement("img", { src: smallUrl(new URL(url, pageRoot()), SIDE), loading: "lazy", alt });
  const figure = createElement("figure", {}, image);
  figure.toggleAttribute("data-chosen", said === "best");
  figure.toggleAttribute("data-worst", said === "worst");
  return figure;
}

/** @param {OwnVote} vote */
function saidOf({ strong, reasons, criteria, question }) {
  const won = Object.entries(criteria).map(([name, winner]) => `${name}: ${winner}`);
  return [...(question ? [question] : []), ...(strong ? ["clearly"] : []), ...reasons, ...won];
}

/**
 * @param {OwnVote} vote
 * @param {(verdict: string) => void} choose
 */
function changesOf(vote, choose) {
  const buttons = Object.entries({ ...choices(), "": "Take back" }).map(([verdict, text]) => {
    const button = createElement("button", { type: "button", textContent: text });
    button.setAttribute("aria-pressed", String(verdict === vote.verdict));
    button.addEventListener("click", () => choose(verdict));
    return button;
  });
  const group = createElement("div", { className: "vote-changes" }, ...buttons);
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "Another verdict");
  return group;
}

/** @param {string} at */
const timeOf = (at) => new Date(at).toLocaleString(undefined, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });
