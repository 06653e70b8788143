// Prompts that the annotator asks for: four more pairs of the one that is shown, or of one that is typed.
// Voting goes on meanwhile; what is rendered comes next as soon as it is there.

import { find } from "../dom.js";
import { callServer } from "./sender.js";
import { duration } from "./wording.js";

/**
 * @typedef {import("../types").StageServer} StageServer
 * @typedef {import("../types").Reply<import("../server").AskedPrompt>} Asked
 *
 * @typedef {object} AskingStage what asking for prompts needs of the stage
 * @property {HTMLElement} element
 * @property {Pick<StageServer, "stage_prompts">} server
 * @property {import("../types").StageState} state
 * @property {Pick<import("./prefetch.js").Prefetcher, "prepare" | "putBack" | "drop" | "recheck">} prefetcher
 * @property {{ note: (text: string, kind?: "calm" | "problem") => void, tools: { close: () => void }, stage: HTMLElement }} view
 */

const POLL_MS = 1000;
const LONGEST_SHOWN = 60;
const UNREACHABLE = "The server is not answering.";

/**
 * Return how long images take to come that were asked for while a run has the device.
 * @param {number} seconds
 */
const later = (seconds) => `in about ${duration(seconds)}, for the model is being tuned`;

export class MorePrompts {
  #stage;
  #form;
  #field;
  #polling = false;
  #mayAdd = true;

  /** @param {AskingStage} stage */
  constructor(stage) {
    this.#stage = stage;
    this.#form = find(stage.element, ".next-prompt");
    this.#field = /** @type {HTMLInputElement} */ (find(this.#form, "input"));
    // Imported images come before what this page has fetched.
    document.addEventListener("palate-imported", () => stage.element.isConnected && stage.prefetcher.recheck());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.queue();
    });
    this.#form.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  /** Ask for more of the prompt that is shown. */
  async more() {
    const { state, view } = this.#stage;
    if (!state.current) return view.note("No prompt is shown yet.");
    const { pair_id } = state.current.pair;
    const asked = await this.#ask({ action: "more", pair_id });
    if (!asked) return undefined;
    const count = state.four ? "4 more images" : `${asked.coming} more`;
    const come = asked.wait_s === null ? "are coming" : `come ${later(asked.wait_s)}`;
    view.note(`${count} of this prompt ${come}.`);
    return this.#collect();
  }

  /** Open the field for a prompt, or close it. */
  toggle() {
    if (!this.#form.hidden) return this.close();
    if (!this.#mayAdd) return this.#stage.view.note("Only admins add prompts in this project.");
    this.#stage.view.tools.close();
    this.#form.hidden = false;
    return this.#field.focus({ preventScroll: true });
  }

  close() {
    this.#form.hidden = true;
    this.#stage.view.stage.focus({ preventScroll: true });
  }

  /** Let the typed prompt come next; what was typed stays if it cannot. */
  async queue() {
    const prompt = this.#field.value.trim();
    if (!prompt) return undefined;
    const asked = await this.#ask({ action: "queue", prompt });
    if (!asked) return undefined;
    this.#field.value = "";
    this.close();
    const shown = prompt.length > LONGEST_SHOWN ? `${prompt.slice(0, LONGEST_SHOWN)}…` : prompt;
    const when = asked.wait_s === null ? "Next, once it is rendered" : `Next, ${later(asked.wait_s)}`;
    this.#stage.view.note(`${when}: ${shown}`);
    return this.#collect();
  }

  /**
   * Offer the field to those who may add prompts.
   * @param {boolean} mayAdd
   */
  allow(mayAdd) {
    this.#mayAdd = mayAdd;
    find(this.#stage.element, "[data-action=prompt]").hidden = !mayAdd;
  }

  /** @param {{ action: string, pair_id?: string, prompt?: string }} wish */
  async #ask(wish) {
    const { server, state, view } = this.#stage;
    const { annotator, trial, four } = state;
    const reply = /** @type {Asked} */ (await callServer(server.stage_prompts, { annotator, trial, four, ...wish }));
    if (reply?.ok) return reply;
    view.note(reply?.error || UNREACHABLE, "problem");
    return null;
  }

  /** Take what is rendered every second, until all of it is there. */
  async #collect() {
    if (this.#polling) return;
    this.#polling = true;
    while (this.#stage.element.isConnected && (await this.#take())) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    this.#polling = false;
  }

  /** Put what is there before the other pairs; return whether more is to come. */
  async #take() {
    const { server, state, prefetcher } = this.#stage;
    const { annotator, trial, four } = state;
    // A blind test shows its own pairs only; the others come after it.
    if (trial) return false;
    const reply = await callServer(server.stage_prompts, { action: "arrived", annotator, four });
    if (!reply?.ok || !("items" in reply)) return !reply || reply.ok;
    // Whoever labels another number of images by now, or in a blind test, has no use for these.
    if (annotator !== state.annotator || four !== state.four || state.trial) return false;
    for (const pair of [...reply.items].reverse()) {
      if (pair.pair_id === state.current?.pair.pair_id) continue;
      prefetcher.drop((item) => item.pair.pair_id === pair.pair_id);
      prefetcher.putBack(prefetcher.prepare(pair));
    }
    return reply.coming > 0;
  }
}
