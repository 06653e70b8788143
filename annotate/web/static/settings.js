// The Settings tab: leads to one of its sections.

const TRY_MS = 50;
const MOST_TRIES = 60;

/**
 * Open a section of the Settings tab and put the keyboard there.
 * @param {string} section its id
 * @param {number} [tries] while the tab is made, which happens when it is opened first
 */
export function openSetting(section, tries = MOST_TRIES) {
  if (tries === MOST_TRIES) document.getElementById("settings-tab-button")?.click();
  const head = document.querySelector(`#${section} button`);
  if (!(head instanceof HTMLElement) || !head.offsetParent) {
    if (tries > 0) setTimeout(() => openSetting(section, tries - 1), TRY_MS);
    return;
  }
  if (!head.classList.contains("open")) head.click();
  head.focus({ preventScroll: true });
  head.scrollIntoView({ block: "start" });
}
