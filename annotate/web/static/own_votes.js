// The labeler's own votes: loaded when the section opens, and again while images are measured.

import { find } from "./dom.js";

/** @typedef {import("./types").Call<{ annotator: string }, import("./server").OwnVotesPage>} OwnVotes */

const RELOAD_MS = 2500;

/**
 * Start the section.
 * @param {import("./types").Component<{ stage_own_votes: OwnVotes }>} component
 */
export function start({ element, server }) {
  const section = /** @type {HTMLDetailsElement} */ (find(element, ".own-votes"));

  async function load() {
    if (!section.isConnected || !section.open) return;
    const reply = await server.stage_own_votes({ annotator: "" });
    const content = find(section, "div");
    if (reply?.ok && reply.html) content.innerHTML = reply.html;
    else content.textContent = (reply && !reply.ok && reply.error) || "Palate is not answering. Open this again.";
    if (reply?.ok && reply.more) setTimeout(load, RELOAD_MS);
  }

  section.addEventListener("toggle", load);
  // It may have been opened before this script was there.
  load();
}
