// Actions of the stage: what a key, a tap or a swipe means.

import { callServer } from "./sender.js";
import { isVerdict } from "./verdict.js";

/** @typedef {import("./stage.js").Stage} Stage */

/**
 * Actions that no card over the stage blocks.
 * @type {Record<string, (stage: Stage) => void>}
 */
const UNCOVERED = {
  close,
  help: ({ view, keys }) => view.toggleHelp(keys),
  tools: ({ view }) => view.tools.toggle(),
  votes: showOwnVotes,
  "keys-reset": resetKeys,
  retry: retryModel,
  leave: ({ modes }) => modes.setBlindTest(""),
  changed: ({ status }) => void status.seeChange(),
  "blind-test": () => document.getElementById("judge-tab-button")?.click(),
};
/**
 * Actions that inspect two images.
 * @type {Record<string, (stage: Stage) => void>}
 */
const INSPECTING = {
  difference: ({ magnifier }) => magnifier.difference(),
  pixels: ({ magnifier }) => magnifier.pixels(),
  full: ({ magnifier }) => magnifier.full(),
  unzoom: ({ magnifier }) => magnifier.reset(),
};

/**
 * Do what an action says.
 * @param {Stage} stage
 * @param {string} action
 * @param {number} pressedAt when the key was pressed
 */
export function perform(stage, action, pressedAt) {
  const { view, voting, state } = stage;
  if (action.startsWith("session")) return stage.session.perform(action);
  if (action in UNCOVERED) return UNCOVERED[action](stage);

  // Below: actions that a card over the stage blocks.
  if (view.covered) return undefined;
  if (action === "why") return stage.annotations.open();
  if (action === "four") return stage.modes.toggleFour();
  if (action === "keep") return stage.modes.toggleKeep();
  if (action === "more") return void stage.prompts.more();
  if (action === "prompt") return stage.prompts.toggle();
  if (action === "undo") return stage.undoer.undo(pressedAt);
  if (action === "clear" || action.startsWith("reason-")) return stage.annotations.toggle(action);

  // Below: actions on the images that are shown.
  if (!state.current) return undefined;
  if (isVerdict(action)) return voting.vote(action, pressedAt);
  if (action.startsWith("place-")) return voting.rank(Number(action.slice("place-".length)), pressedAt);
  if (state.current.pair.urls) return undefined;
  if (action === "report") return voting.flag(pressedAt);
  return INSPECTING[action]?.(stage);
}

/** @param {Stage} stage */
function close({ state, view, modes, magnifier, session, annotations }) {
  if (view.tools.open) return view.tools.close();
  annotations.open(false);
  if (state.four && !view.covered) return modes.toggleFour();
  magnifier.reset();
  return session.shown ? session.close() : view.closeHelp();
}

/** @param {Stage} stage */
function resetKeys({ keys, annotations, view }) {
  keys.reset();
  annotations.redraw();
  view.showKeys(keys);
}

/** @param {Stage} stage */
async function retryModel(stage) {
  const { server, state, view } = stage;
  const reply = server.stage_retry_model && (await callServer(server.stage_retry_model, {}));
  if (reply?.ok) state.model = reply.sampler;
  else view.note(reply?.error || "The server is not answering.", "problem");
  stage.prefetcher.refill();
  stage.refresh();
}

/** Open the gallery of the annotator's own votes, which lies below the stage. */
function showOwnVotes() {
  const gallery = /** @type {HTMLDetailsElement | null} */ (document.querySelector("#vote-gallery details"));
  if (!gallery) return;
  // What is open already is to show the newest votes, too.
  if (gallery.open) gallery.dispatchEvent(new Event("toggle"));
  gallery.open = true;
  gallery.scrollIntoView({ block: "start" });
}
