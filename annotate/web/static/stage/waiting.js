// What the stage says while it has no images to show, and how the ways to vote use those that come.

import { plural } from "./wording.js";

/**
 * @typedef {object} Situation
 * @property {boolean} paused
 * @property {import("./prefetch.js").Prefetcher} prefetcher
 * @property {number} unsent
 * @property {import("../server").SamplerView | null} model
 * @property {number} now in milliseconds since 1970
 * @property {import("../server").LabelingStats | null} stats
 *
 * @typedef {object} Explanation
 * @property {string} title
 * @property {string} detail
 * @property {boolean} [paused]
 * @property {boolean} [failed]
 * @property {string[]} [previews] small images of what is being rendered
 * @property {string} [cost] which way to vote makes most of slow images
 */

// Slower than an image in three seconds, it matters how many images a vote takes.
const SLOW_PAIRS_PER_HOUR = 600;
// By count: a ranking tells five of six pairs apart; five pairs in a row show two images and five more.
const USES = "Four at a time tells five pairs apart by four images, and a winner that stays takes one image a vote; "
  + "two new images a vote ask about more prompts.";

/**
 * Return how fast images come, and where that is slow which way to vote makes most of each.
 * @param {import("../server").LabelingStats | null} stats
 */
export function costOfVotes(stats) {
  const speed = stats?.rendering_speed || "";
  const slow = Boolean(stats?.pairs_per_hour && stats.pairs_per_hour < SLOW_PAIRS_PER_HOUR);
  return slow ? `${speed} ${USES}` : speed;
}

/**
 * Explain why there are no images, and when there will be some.
 * @param {Situation} situation
 * @returns {Explanation}
 */
export function explainWait({ paused, prefetcher, unsent, model, now, stats }) {
  const { reason } = prefetcher;
  if (paused) return { title: "Paused", detail: "Others get your pairs meanwhile.", paused };
  if (!prefetcher.reachable) {
    const kept = unsent ? " Your votes are kept here and will be sent." : "";
    const title = reason ? "No pair just now" : "Palate is not answering";
    return { title, detail: `${reason || "Trying again every second."}${kept}` };
  }
  if (prefetcher.waiting.length) return { title: "Loading the images", detail: "" };
  if (model?.state === "failed") {
    return { title: "The image model cannot be used", detail: `${model.detail} ${model.advice}`, failed: true };
  }

  if (prefetcher.rendering) {
    const { message, previews } = prefetcher.rendering;
    return { title: reason || "Waiting for a pair", detail: message, previews, cost: costOfVotes(stats) };
  }

  const left = Math.ceil((prefetcher.readyAt - now) / 1000);
  const soon = model?.state === "loading" ? "A large model takes minutes." : "Any moment now.";
  const wait = left > 1 ? `About ${plural(left, "second")} to go.` : soon;
  return { title: reason || "Waiting for a pair", detail: reason ? wait : "" };
}
