// The open tab, which a reload should keep.

import { closest } from "../dom.js";
import { recall, remember } from "../storage.js";

const TAB_KEY = "palate-tab";

/** Open the tab that was open before a reload, and remember which one is chosen. */
export function restoreTab() {
  document.addEventListener("click", (event) => {
    const tab = closest(event, '[role="tab"]');
    if (tab?.id) remember("sessionStorage", TAB_KEY, tab.id);
  });
  const tab = document.getElementById(recall("sessionStorage", TAB_KEY) || "");
  if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
}
