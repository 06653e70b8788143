// The signed-in account, if Palate was started with accounts or behind a proxy.

const SIGN_IN_META = 'meta[name="palate-sign-in"]';
const ACCOUNT_CHECK_MS = 15000;

// Resolves to the signed-in person, or to null without sign-in. Retries until the server answers; a
// page whose sign-in has ended reloads, which leads to the sign-in form.
async function fetchAccount(root) {
  while (document.querySelector(SIGN_IN_META)) {
    try {
      const reply = await fetch(new URL("me", root), { cache: "no-store" });
      if (reply.ok) return await reply.json();
      if (reply.status === 401) location.reload();
    } catch {
      // The server cannot be reached just now.
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  return null;
}

// Unsent votes of other people stay in the browser's database until those people sign in again.
function keepOwnEvents(outbox, person) {
  if (person) outbox.events = outbox.events.filter((event) => event.annotator === person.name);
}

// Votes are sent in the name of the person signed in, so a page must not outlive its sign-in.
async function watchAccount(element, root, person) {
  if (!person || !element.isConnected) return;
  const now = await fetchAccount(root);
  if (now && now.name !== person.name) return location.reload();
  setTimeout(() => watchAccount(element, root, person), ACCOUNT_CHECK_MS);
}

function showAccount(person) {
  for (const badge of person ? document.querySelectorAll("[data-palate-account]") : []) {
    badge.querySelector("b").textContent = person.name;
    badge.querySelector(".account-actions").hidden = !person.account;
    badge.hidden = false;
  }
}
