// Keep the winner: after a vote the better image stays, beside a new one of the same prompt. The server
// makes that pair, so the page waits for its answer a moment. Where the new image is not rendered yet,
// other pairs come first.

/**
 * @typedef {import("../types").Item} Item
 * @typedef {import("../types").StageEvent} StageEvent
 *
 * @typedef {object} KeepingStage what keeping winners needs of the stage
 * @property {import("../types").StageState} state
 * @property {Pick<import("./prefetch.js").Prefetcher, "prepare" | "putBack" | "drop">} prefetcher
 * @property {() => void} refresh
 */

// Longer than an answer takes on a slow line; nobody is to sit before a page that does nothing.
const PATIENCE_MS = 700;

export class KeptWinner {
  #stage;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {KeepingStage} stage */
  constructor(stage) {
    this.#stage = stage;
  }

  /**
   * Return whether a vote may bring its winner again.
   * @param {StageEvent} event
   */
  stays(event) {
    return event.kind === "vote" && event.keep === true && ["left", "right"].includes(event.verdict);
  }

  /**
   * Show no other pair until the answer to a vote is there, or has taken too long.
   * @param {string} key
   */
  await(key) {
    this.#stage.state.awaited = key;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#goOn(key), PATIENCE_MS);
  }

  /**
   * Take the answer to a vote: the next pair is the one in which the winner stays, if there is one.
   * @param {string} key
   * @param {import("../types").Pair | undefined} pair
   */
  async answered(key, pair) {
    const { state, prefetcher } = this.#stage;
    // A vote that was undone meanwhile brings nothing.
    if (pair && state.history.some((entry) => entry.key === key) && state.current?.pair.pair_id !== pair.pair_id) {
      prefetcher.drop((item) => item.pair.pair_id === pair.pair_id);
      const item = prefetcher.prepare(pair);
      prefetcher.putBack(item);
      await item.loaded;
    }
    this.#goOn(key);
  }

  /**
   * Drop the pairs that followed from a vote which is taken back.
   * @param {Item} undone the item that was voted on
   */
  takeBack(undone) {
    const { state, prefetcher } = this.#stage;
    state.awaited = null;
    prefetcher.drop((item) => follows(item, undone));
    if (state.current && follows(state.current, undone)) state.current = null;
  }

  /** @param {string} key */
  #goOn(key) {
    const { state } = this.#stage;
    if (state.awaited !== key) return;
    clearTimeout(this.#timer);
    state.awaited = null;
    this.#stage.refresh();
  }
}

/**
 * Return whether an item keeps the winner of another one.
 * @param {Item} item
 * @param {Item} earlier
 */
export function follows({ pair }, { pair: earlier }) {
  if (pair.urls || earlier.urls || pair.prompt !== earlier.prompt) return false;
  const before = [earlier.left_url, earlier.right_url];
  const shared = before.includes(pair.left_url) || before.includes(pair.right_url);
  return shared && pair.in_a_row === (earlier.in_a_row || 0) + 1;
}
