// A person's own votes, asked for when they open this part, and again while images are measured.

const OWN_AGAIN_MS = 2500;
const own = element.querySelector(".own");

async function showOwn() {
  if (!own.isConnected || !own.open) return;
  const reply = await server.stage_own_votes({ annotator: "" });
  const told = reply && reply.ok ? reply.html : "";
  const place = own.querySelector("div");
  if (told) place.innerHTML = told;
  else place.textContent = (reply && reply.error) || "Palate is not answering. Open this again.";
  if (reply && reply.more) setTimeout(showOwn, OWN_AGAIN_MS);
}

own.addEventListener("toggle", showOwn);
