// The labeler's own votes: loaded when the section opens, and again while images are measured.

const RELOAD_MS = 2500;
const section = element.querySelector(".own-votes");

async function loadOwnVotes() {
  if (!section.isConnected || !section.open) return;
  const reply = await server.stage_own_votes({ annotator: "" });
  const html = reply && reply.ok ? reply.html : "";
  const content = section.querySelector("div");
  if (html) content.innerHTML = html;
  else content.textContent = (reply && reply.error) || "Palate is not answering. Open this again.";
  if (reply && reply.more) setTimeout(loadOwnVotes, RELOAD_MS);
}

section.addEventListener("toggle", loadOwnVotes);
