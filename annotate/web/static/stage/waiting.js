// What the stage says while it has no images to show.

import { plural } from "./wording.js";

/**
 * @typedef {object} Situation
 * @property {boolean} paused
 * @property {import("./prefetch.js").Prefetcher} prefetcher
 * @property {number} unsent
 * @property {import("../server").SamplerView | null} model
 * @property {number} now in milliseconds since 1970
 *
 * @typedef {object} Explanation
 * @property {string} title
 * @property {string} detail
 * @property {boolean} [paused]
 * @property {boolean} [failed]
 * @property {string[]} [previews] small images of what is being rendered
 */

/**
 * Explain why there are no images, and when there will be some.
 * @param {Situation} situation
 * @returns {Explanation}
 */
export function explainWait({ paused, prefetcher, unsent, model, now }) {
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
    return { title: reason || "Waiting for a pair", detail: message, previews };
  }

  const left = Math.ceil((prefetcher.readyAt - now) / 1000);
  const soon = model?.state === "loading" ? "A large model takes minutes." : "Any moment now.";
  const wait = left > 1 ? `About ${plural(left, "second")} to go.` : soon;
  return { title: reason || "Waiting for a pair", detail: reason ? wait : "" };
}
