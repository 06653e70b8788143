// A card that hints to slow down. It takes no key and covers no image, so voting goes on.

const PACE_HINT_MS = 60000;

function showPaceHint(sentence) {
  const stage = element.querySelector(".stage");
  let card = stage.querySelector(".pace-hint");
  if (!card) {
    card = document.createElement("aside");
    card.className = "pace-hint";
    card.setAttribute("role", "status");
    const text = document.createElement("span");
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Continue";
    close.addEventListener("click", () => {
      card.hidden = true;
      stage.focus({ preventScroll: true });
    });
    card.append(text, close);
    stage.append(card);
  }
  card.querySelector("span").textContent = sentence;
  card.hidden = false;
  clearTimeout(showPaceHint.timer);
  showPaceHint.timer = setTimeout(() => (card.hidden = true), PACE_HINT_MS);
}
