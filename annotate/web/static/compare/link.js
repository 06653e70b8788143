// The link of a comparison, which stands in the page's address.

/** @typedef {import("../types").BoardData} BoardData */

export const LINK = "#compare&";
const TAB_BUTTON = "compare-tab-button";

let listening = false;

/** Return the link in the address, or "" for none; a link that is opened later reloads the page. */
export function readLink() {
  if (!listening) {
    listening = true;
    window.addEventListener("hashchange", () => {
      if (isLinked()) location.reload();
    });
  }
  return isLinked() ? location.hash : "";
}

/** Open the Compare tab if the address names a comparison. */
export function openLinkedTab() {
  if (isLinked()) tabButton()?.click();
}

/** Return whether the address names a comparison. */
export const isLinked = () => location.hash.startsWith(LINK);

/** Return the mode that the address names, or null. */
export const linkedMode = () => new URLSearchParams(location.hash.slice(1)).get("m");

/**
 * Return the address of a board.
 * @param {BoardData} data
 * @param {string} mode
 */
export function linkOf(data, mode) {
  const params = [...data.prompts.map((prompt) => ["p", prompt]), ["s", data.seeds_text || ""],
    ...data.columns.map((column) => ["c", column]), ["m", mode]];
  const link = new URL(location.href);
  link.hash = LINK + new URLSearchParams(params);
  return link.href;
}

/** Return the address without a link. */
export const plainAddress = () => location.href.replace(/#.*/s, "");

/** Return whether the Compare tab is open. Asks its button: reading the layout would force another one. */
export const isTabOpen = () => tabButton()?.getAttribute("aria-selected") === "true";

/**
 * Return whether a tab is that of comparisons.
 * @param {Element} tab
 */
export const isCompareTab = (tab) => tab.id === TAB_BUTTON;

const tabButton = () => document.getElementById(TAB_BUTTON);
