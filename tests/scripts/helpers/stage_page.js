// The stage's own HTML on a test page, and stand-ins for the parts that a test does not use.

import { openPage, readStatic } from "./dom.js";

/** Open a page with the stage; return the element of the component. */
export function openStage() {
  const element = openPage(`<div id="stage">${readStatic("stage/stage.html")}</div>`);
  for (const frame of element.querySelectorAll(".frame")) frame.box = { left: 0, top: 0, width: 128, height: 128 };
  return element;
}

export const pairOf = (id, more = {}) => ({
  pair_id: id, prompt: `prompt of ${id}`, left_url: `img/${id}-left.png`, right_url: `img/${id}-right.png`, ...more,
});
export const quadOf = (id) => ({ pair_id: id, prompt: `prompt of ${id}`, urls: ["1", "2", "3", "4"] });

/** An item whose images are loaded. */
export function itemOf(pair) {
  const urls = pair.urls || [pair.left_url, pair.right_url];
  const images = urls.map((src) => Object.assign(document.createElement("img"), { src, naturalWidth: 2, naturalHeight: 1, pixels: [0, 0, 0, 255, 0, 0, 0, 255] }));
  return { pair, images, broken: false, loaded: Promise.resolve() };
}

/** What the parts of the stage share, at its start. */
export const newState = (more = {}) => ({
  annotator: "ada", trial: "", four: false, keep: false, awaited: null, acked: 0, current: null, best: null, asking: null, history: [],
  stats: null, every: 0, pendingUndo: null, criteria: [], model: null,
  tuning: { run: null, newest: null, seen: null }, ...more,
});

/** Something that remembers which of its methods were called, with what. */
export function recorder(names, answers = {}) {
  const calls = [];
  const made = { calls, names: () => calls.map(([name]) => name) };
  for (const name of names) {
    made[name] = (...given) => {
      calls.push([name, ...given]);
      return answers[name]?.(...given);
    };
  }
  return made;
}
