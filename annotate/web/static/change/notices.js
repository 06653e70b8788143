// What says that a run has ended where nobody looks: the title of the browser's tab, a badge on the
// Train tab, and a notification for whoever asked for it.

import { recall, remember } from "../storage.js";

const TRAIN_BUTTON = "train-tab-button";
const TELL_KEY = "palate-tell";
const TOLD = "You will be told when it is done";
const NOT_HERE = "This browser allows no notifications here; the title of its tab will say it";

/**
 * Say in the title of the browser's tab what has happened, until the page is looked at.
 * @param {string} words
 */
export function showInTitle(words) {
  if (isLookedAt() || !words) return;
  const before = document.title.replace(/^● .* - /, "");
  document.title = `● ${words} - ${before}`;

  const restore = () => {
    if (!isLookedAt()) return;
    document.title = before;
    document.removeEventListener("visibilitychange", restore);
    window.removeEventListener("focus", restore);
  };
  document.addEventListener("visibilitychange", restore);
  window.addEventListener("focus", restore);
}

const isLookedAt = () => !document.hidden && document.hasFocus();

/**
 * Put a badge on the Train tab, or take it away.
 * @param {string} words what it stands for; empty for no badge
 */
export function setBadge(words) {
  const button = document.getElementById(TRAIN_BUTTON);
  if (!button || (button.dataset.news ?? "") === words) return;
  if (words) Object.assign(button, { title: words }).dataset.news = words;
  else for (const name of ["title", "data-news"]) button.toggleAttribute(name, false);
}

/**
 * Show a notification, if somebody asked for it here and the browser lets us.
 * @param {string} title
 * @param {string} body
 */
export function notify(title, body) {
  if (recall("localStorage", TELL_KEY) !== "on" || permission() !== "granted") return;
  const shown = new Notification(title, { body, tag: "palate-run" });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
}

/** Ask whether notifications may be shown, and return what the button says from then on. */
export async function askToTell() {
  const answer = permission() === "default" ? await Notification.requestPermission() : permission();
  if (answer === "granted") remember("localStorage", TELL_KEY, "on");
  return update(answer === "granted" ? TOLD : NOT_HERE);
}

/** Return what the button says where somebody asked for notifications before. */
export function asTold() {
  const told = recall("localStorage", TELL_KEY) === "on" && permission() === "granted";
  return told ? update(TOLD) : { __type__: "update" };
}

/**
 * Return a button that has been pressed, as Gradio takes it.
 * @param {string} value
 */
const update = (value) => ({ __type__: "update", interactive: false, value });

/** Return whether notifications are allowed; browsers know none without https, except on this machine. */
const permission = () => ("Notification" in window ? Notification.permission : "denied");
