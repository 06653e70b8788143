// The signed-in account, if Palate was started with accounts or behind a proxy.

import { find, findAll } from "../dom.js";

/**
 * @typedef {import("../types").Person} Person
 * @typedef {import("./outbox.js").Outbox} Outbox
 */

const SIGN_IN_META = 'meta[name="palate-sign-in"]';
const ACCOUNT_CHECK_MS = 15000;
const RETRY_MS = 1500;

/**
 * Resolve to the signed-in person, or to null without sign-in. Retries until the server answers; a
 * page whose sign-in has ended reloads, which leads to the sign-in form.
 * @param {URL} root
 * @returns {Promise<Person | null>}
 */
export async function fetchAccount(root) {
  while (document.querySelector(SIGN_IN_META)) {
    try {
      const reply = await fetch(new URL("me", root), { cache: "no-store" });
      if (reply.ok) return await reply.json();
      if (reply.status === 401) location.reload();
    } catch {
      // The server cannot be reached just now.
    }
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  return null;
}

/**
 * Drop the unsent votes of other people, which stay in the browser's database until those people
 * sign in again.
 * @param {Outbox} outbox
 * @param {Person | null} person
 */
export function keepOwnEvents(outbox, person) {
  if (person) outbox.events = outbox.events.filter((event) => event.annotator === person.name);
}

/**
 * Reload the page once somebody else is signed in: votes are sent in the name of the person signed
 * in, so a page must not outlive its sign-in.
 * @param {HTMLElement} element
 * @param {URL} root
 * @param {Person | null} person
 * @returns {Promise<void>}
 */
export async function watchAccount(element, root, person) {
  if (!person || !element.isConnected) return undefined;
  const now = await fetchAccount(root);
  if (now && now.name !== person.name) return location.reload();
  setTimeout(() => watchAccount(element, root, person), ACCOUNT_CHECK_MS);
  return undefined;
}

/**
 * Show who is signed in.
 * @param {Person | null} person
 */
export function showAccount(person) {
  for (const badge of person ? findAll(document, "[data-palate-account]") : []) {
    find(badge, "b").textContent = person && person.name;
    find(badge, ".account-actions").hidden = !person?.account;
    badge.hidden = false;
  }
}
