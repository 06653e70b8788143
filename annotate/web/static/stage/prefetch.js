// Prefetching: pairs are fetched ahead with their images decoded, so that a swap takes one frame.

import { callServer } from "./sender.js";

/**
 * @typedef {import("../types").Item} Item
 * @typedef {import("../types").Pair} Pair
 * @typedef {import("../types").Quad} Quad
 * @typedef {import("../server").ItemsAhead<Pair | Quad>} ItemsAhead
 */

// A request goes out as soon as one is missing, so about six stay ready while it is on its way.
export const PAIRS_AHEAD = 8;
const POLL_MS = 1000;

export class Prefetcher {
  /** @type {Item[]} */
  waiting = [];
  // Why there are fewer pairs than asked for, in the server's words.
  reason = "";
  // When the server expects the next pair, in milliseconds since 1970.
  readyAt = 0;
  reachable = true;
  /**
   * How far the images are that the page waits for.
   * @type {import("../server").RenderingView | null}
   */
  rendering = null;
  #fetching = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #epoch = 0;
  #fetchPairs;
  #resolve;
  #openPairIds;
  #ahead;
  #onChange;

  /**
   * @param {object} parts
   * @param {import("../types").Call<{ have: string[], want: number }, ItemsAhead>} parts.fetchPairs
   * @param {(url: string) => string} parts.resolve makes an absolute URL
   * @param {() => string[]} parts.openPairIds ids of pairs that the page shows, or whose votes are unsent
   * @param {() => void} parts.onChange
   * @param {() => number} [parts.ahead] how many pairs to hold ready
   */
  constructor({ fetchPairs, resolve, openPairIds, onChange, ahead = () => PAIRS_AHEAD }) {
    this.#fetchPairs = fetchPairs;
    this.#resolve = resolve;
    this.#openPairIds = openPairIds;
    this.#ahead = ahead;
    this.#onChange = onChange;
  }

  /** Return the number of pairs whose images are decoded. */
  get ready() {
    return this.waiting.filter((item) => item.images).length;
  }

  /**
   * Start to load the images of a pair.
   * @param {Pair | Quad} pair
   * @returns {Item}
   */
  prepare(pair) {
    const urls = pair.urls || [pair.left_url, pair.right_url];
    /** @type {Item} */
    const item = { pair, images: null, broken: false, loaded: Promise.resolve() };
    item.loaded = Promise.all(urls.map((url) => loadImage(this.#resolve(url))))
      .then((images) => {
        item.images = images;
      })
      .catch(() => {
        item.broken = true;
        setTimeout(() => this.refill(), POLL_MS);
      })
      .then(() => this.#onChange());
    return item;
  }

  /** Ask the server for what is missing, and again every second while it has too few. */
  async refill() {
    this.waiting = this.waiting.filter((item) => !item.broken);
    if (this.#fetching || this.waiting.length >= this.#ahead()) return;
    this.#fetching = true;
    clearTimeout(this.#timer);

    // `empty` starts a new epoch: an answer to a request of an older one is dropped.
    const epochAsked = this.#epoch;
    const want = this.#ahead() - this.waiting.length;
    const reply = await callServer(this.#fetchPairs, { have: [...this.#known()], want });
    this.#fetching = false;
    if (epochAsked === this.#epoch) this.#accept(reply);

    this.#onChange();
    if (this.waiting.length < this.#ahead()) this.#timer = setTimeout(() => this.refill(), POLL_MS);
  }

  /** Drop the pairs that others go before by now, as imported ones do, and ask for those. */
  async recheck() {
    const epochAsked = this.#epoch;
    const reply = await callServer(this.#fetchPairs, { have: [...this.#known()], want: 0 });
    if (epochAsked === this.#epoch) this.#accept(reply);
    return this.refill();
  }

  /** Take the oldest pair whose images are decoded; null while there is none. */
  take() {
    const index = this.waiting.findIndex((item) => item.images);
    return index < 0 ? null : this.waiting.splice(index, 1)[0];
  }

  /**
   * Let a pair be the next one.
   * @param {Item} item
   */
  putBack(item) {
    this.waiting.unshift(item);
  }

  /**
   * Drop some of the pairs.
   * @param {(item: Item) => boolean} unwanted
   */
  drop(unwanted) {
    this.waiting = this.waiting.filter((item) => !unwanted(item));
  }

  /** Drop all pairs, those on their way as well. */
  empty() {
    this.#epoch += 1;
    this.waiting = [];
  }

  #known() {
    return new Set([...this.waiting.map((item) => item.pair.pair_id), ...this.#openPairIds()]);
  }

  /** @param {import("../types").Reply<ItemsAhead>} reply */
  #accept(reply) {
    this.reachable = Boolean(reply && reply.ok);
    if (!reply || !reply.ok) {
      this.reason = (reply && reply.error) || "";
      return;
    }

    // Pairs of an older version, or given to somebody else by now, are dropped.
    const stale = new Set(reply.passed_over || []);
    this.waiting = this.waiting.filter((item) => !stale.has(item.pair.pair_id));
    const seen = this.#known();
    for (const pair of reply.pairs) {
      if (seen.has(pair.pair_id)) continue;
      // A winner that stays comes before other prompts.
      if (pair.in_a_row) this.putBack(this.prepare(pair));
      else this.waiting.push(this.prepare(pair));
    }
    this.reason = reply.reason || "";
    this.rendering = reply.rendering || null;
    this.readyAt = Date.now() + 1000 * (reply.wait_s || 0);
  }
}

/** @param {string} url */
function loadImage(url) {
  const image = new Image();
  // Decoded before the swap, so that the image appears in the same frame.
  image.decoding = "sync";
  image.draggable = false;
  image.alt = "";
  image.src = url;
  return image.decode().then(() => image);
}
