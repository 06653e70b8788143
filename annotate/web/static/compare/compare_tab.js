// The board on the Compare tab: its data from the app, its link, and its downloads.

import { closest, createElement, find } from "../dom.js";
import { pageRoot } from "../page_root.js";
import { recall, remember } from "../storage.js";
import { Board } from "./board.js";
import { fileName, rowName } from "./board_data.js";
import { contactSheet } from "./contact_sheet.js";
import { download, downloadCanvas } from "./download.js";
import { isCompareTab, isLinked, isTabOpen, linkedMode, linkOf, plainAddress } from "./link.js";
import { buildSavedPage } from "./saved_page.js";

/**
 * @typedef {import("../types").BoardData} BoardData
 * @typedef {import("../types").Component<unknown, BoardData | null>} Component
 */

const MODE_KEY = "palate-compare-mode";
const RESULT_MS = 2000;

/**
 * Start the board.
 * @param {Component} component
 */
export function start({ element, props, watch }) {
  const root = find(element, ".compare");
  /** @param {string} url */
  const resolve = (url) => new URL(url, pageRoot()).href;
  /**
   * Run on the board that is shown.
   * @param {(data: BoardData) => Promise<string>} run
   * @returns {() => Promise<string>}
   */
  const withData = (run) => async () => (board.data ? run(board.data) : "");

  const copying = makeAction("Copy link", withData(async (data) =>
    ((await copyText(linkOf(data, board.mode))) ? "Copied" : "Link is in the address bar")));
  /** @type {HTMLButtonElement[]} */
  const actions = [
    copying,
    makeAction("Contact sheet", withData(async (data) => {
      const canvas = await contactSheet(data, resolve);
      return (await downloadCanvas(canvas, fileName(data, ".png"))) ? "Saved" : "Too large";
    })),
    makeAction("Save as page", withData(async (data) => {
      download(await buildSavedPage(data, resolve, board.mode), fileName(data, ".html"));
      return "Saved";
    })),
  ];
  const board = new Board(root, {
    resolve,
    actions,
    onMode(mode) {
      if (board.data && isLinked()) replaceAddress(linkOf(board.data, mode));
      remember("localStorage", MODE_KEY, mode);
    },
  });

  /**
   * The address bar holds the link of the comparison while its tab is open.
   * @param {boolean} open
   */
  const updateAddress = (open) => {
    if (board.data) replaceAddress(open && hasLink(board.data) ? linkOf(board.data, board.mode) : plainAddress());
  };
  const refresh = () => {
    const data = props.value?.cells ? props.value : null;
    find(element, ".empty-board").hidden = Boolean(data);
    root.hidden = !data;
    for (const button of actions) button.hidden = !data;
    if (!data) return;
    board.show(data);
    copying.hidden = !hasLink(data);
    if (isTabOpen()) updateAddress(true);
  };

  document.addEventListener("click", (event) => {
    const tab = event.isTrusted && closest(event, '[role="tab"]');
    if (tab && element.isConnected) updateAddress(isCompareTab(tab));
  });
  watch("value", refresh);
  board.setMode(linkedMode() || recall("localStorage", MODE_KEY) || "side");
  refresh();
}

/**
 * Return whether a board can be rendered again from its link.
 * @param {BoardData} data
 */
const hasLink = (data) => rowName(data) === "seed";

/** @param {string} address */
const replaceAddress = (address) => history.replaceState(null, "", address);

/**
 * Make a button that shows for a moment what became of it.
 * @param {string} name
 * @param {() => Promise<string>} run
 */
function makeAction(name, run) {
  const button = createElement("button", { type: "button", textContent: name, hidden: true });
  button.addEventListener("click", async () => {
    button.disabled = true;
    const result = await run().catch((error) => {
      console.error(error);
      return "Could not";
    });
    button.disabled = false;
    if (!result) return;
    button.textContent = result;
    setTimeout(() => {
      button.textContent = name;
    }, RESULT_MS);
  });
  return button;
}

/**
 * Copy a text; resolves to false where the browser allows none, and puts it into the address bar.
 * @param {string} text
 */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page that is not served over https has no clipboard; this older way may still work.
    const box = createElement("textarea", { value: text });
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    replaceAddress(text);
    return done;
  }
}
