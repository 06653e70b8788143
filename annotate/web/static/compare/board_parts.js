// Elements of the comparison board.

import { AMPLIFICATIONS, HEAT_COLORS } from "../difference.js";
import { createElement } from "../dom.js";
import { labelsOf, promptOf, rowLabel } from "./board_data.js";

/**
 * @typedef {import("../types").BoardData} BoardData
 * @typedef {import("../types").Mode} Mode
 */

/**
 * What each mode is called, and its key.
 * @type {Record<Mode, [string, string]>}
 */
export const MODES = {
  side: ["Side by side", "s"],
  slider: ["Slider", "l"],
  flicker: ["Flicker", "f"],
  difference: ["Difference", "d"],
  grid: ["Grid", "g"],
};
const OTHER_KEYS = [["Space", "hold to swap in flicker"], ["1", "pixel for pixel"], ["Esc", "reset zoom"]];

/**
 * Return whether a name is that of a mode.
 * @param {string | undefined} name
 * @returns {name is Mode}
 */
export const isMode = (name) => name !== undefined && name in MODES;

/** Make what stands around the cards; the board fills it. */
export function makeParts() {
  const modes = createElement("div", { className: "switch", role: "group", ariaLabel: "How to compare" },
    ...Object.entries(MODES).map(([mode, [name, key]]) => createElement("button",
      { type: "button", "data-mode": mode, textContent: name, title: `Key ${key.toUpperCase()}` })));
  return {
    modes,
    pair: createElement("div", { className: "column-pair" }),
    status: createElement("span", { className: "status", role: "status" }),
    legend: createElement("div", { className: "legend" }),
    cards: createElement("div", { className: "cards" }),
    hold: createElement("button", { type: "button", className: "hold", textContent: "Hold to swap" }),
    zoom: createElement("button", { type: "button", className: "reset", hidden: true }),
    help: makeHelp(),
  };
}

function makeHelp() {
  const keys = Object.values(MODES).map(([name, key]) => [key.toUpperCase(), name.toLowerCase()]);
  return createElement("p", { className: "help" }, "Keys: ",
    ...[...keys, ...OTHER_KEYS].flatMap(([key, name], i) =>
      [i ? " · " : "", createElement("kbd", { textContent: key }), ` ${name}`]),
    ". Double click or Ctrl + wheel zooms all images at the same spot; then wheel and drag.");
}

/**
 * Make the figure of one row: an empty frame per column, a difference map and a slider.
 * @param {BoardData} data
 * @param {number} index
 * @param {number} split
 */
export function makeFigure(data, index, split) {
  const label = rowLabel(data, index);
  const sides = labelsOf(data).map((column, i) =>
    createElement("span", { className: "side", "data-column": i, title: `${column}, ${label}` },
      createElement("span", { className: "frame loading" }), createElement("em", { textContent: column })));
  const map = createElement("span", { className: "side map" },
    createElement("span", { className: "frame" }, createElement("canvas", { role: "img" })),
    createElement("em", { textContent: "difference" }));
  const range = createElement("input", { type: "range", min: "0", max: "100", value: String(split) });
  range.setAttribute("aria-label", "Share of the left image");

  return createElement("figure", { className: "comparison", "data-index": index },
    createElement("div", { className: "sides" }, ...sides, map, range),
    createElement("figcaption", {}, createElement("span", { textContent: promptOf(data, index) }),
      createElement("small", { textContent: label }),
      createElement("small", { className: "size" }),
      createElement("button", { type: "button", "data-save": index, textContent: "Download" })));
}

/**
 * Make a section for each prompt, with the figures of its seeds.
 * @param {BoardData} data
 * @param {HTMLElement[]} figures
 */
export const makeSections = (data, figures) => data.prompts.map((prompt, i) =>
  createElement("section", { className: "prompt" },
    createElement("h3", { textContent: prompt }),
    createElement("div", { className: "seeds" },
      ...figures.slice(i * data.seeds.length, (i + 1) * data.seeds.length))));

/**
 * Make a select that gives the keyboard back to the board once it has changed.
 * @param {string} label
 * @param {(string | number)[][]} options values and what is shown for them
 * @param {number} value
 * @param {(value: number) => void} onChange
 */
export function makeSelect(label, options, value, onChange) {
  const select = createElement("select", { ariaLabel: label },
    ...options.map(([option, text]) => createElement("option", { value: String(option), textContent: String(text) })));
  select.value = String(value);
  select.addEventListener("change", () => {
    select.blur();
    onChange(Number(select.value));
  });
  return select;
}

/**
 * Make the legend of difference maps: two columns, how far they are amplified, and what colors mean.
 * @param {string} first
 * @param {string} second
 * @param {number} amplification
 * @param {(value: number) => void} onChange
 */
export function differenceLegend(first, second, amplification, onChange) {
  const choices = AMPLIFICATIONS.map((by) => [by, `${by}×`]);
  const bar = createElement("i", { className: "heat" });
  const stops = HEAT_COLORS.map(([r, g, b]) => `rgb(${r} ${g} ${b})`).join();
  bar.style.background = `linear-gradient(to right, ${stops})`;
  const most = 100 / amplification;
  const share = ` ${most.toFixed(most % 1 ? 1 : 0)} % of the full range${amplification > 1 ? " or more" : ""}`;
  return [
    `Where ${first} and ${second} differ, amplified`,
    makeSelect("Amplification", choices, amplification, onChange),
    createElement("span", {}, "equal ", bar, share),
  ];
}
