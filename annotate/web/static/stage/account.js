// Who is signed in, where Palate was started with accounts or behind a proxy; else nobody.

const SIGN_IN_SIGN = 'meta[name="palate-sign-in"]';
const WHO_EVERY_MS = 15000;

// The signed-in person; null where nobody signs in. Waits for the server, and a page whose sign-in
// has ended loads again, which leads to signing in.
async function signedIn(root) {
  while (document.querySelector(SIGN_IN_SIGN)) {
    try {
      const reply = await fetch(new URL("me", root), { cache: "no-store" });
      if (reply.ok) return await reply.json();
      if (reply.status === 401) location.reload();
    } catch {
      // Not reachable just now.
    }
    await new Promise((resolve) => setTimeout(resolve, 1500));
  }
  return null;
}

// What others left unsent in this browser waits in its database until they sign in again.
function keepOwn(outbox, person) {
  if (person) outbox.events = outbox.events.filter((event) => event.annotator === person.name);
}

// Votes go out in the name of whoever is signed in, so a page never outlives its sign-in.
async function watchPerson(element, root, person) {
  if (!person || !element.isConnected) return;
  const now = await signedIn(root);
  if (now && now.name !== person.name) return location.reload();
  setTimeout(() => watchPerson(element, root, person), WHO_EVERY_MS);
}

function showPerson(person) {
  for (const place of person ? document.querySelectorAll("[data-palate-person]") : []) {
    place.querySelector("b").textContent = person.name;
    place.querySelector(".account").hidden = !person.account;
    place.hidden = false;
  }
}
