// A calm card that suggests a look away. It takes no key and covers no image; votes go on.

const PAUSE_SHOWN_MS = 60000;

function showPause(sentence) {
  const stage = element.querySelector(".stage");
  let card = stage.querySelector(".pause");
  if (!card) {
    card = document.createElement("aside");
    card.className = "pause";
    card.setAttribute("role", "status");
    const text = document.createElement("span");
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = "Go on";
    close.addEventListener("click", () => {
      card.hidden = true;
      stage.focus({ preventScroll: true });
    });
    card.append(text, close);
    stage.append(card);
  }
  card.querySelector("span").textContent = sentence;
  card.hidden = false;
  clearTimeout(showPause.timer);
  showPause.timer = setTimeout(() => (card.hidden = true), PAUSE_SHOWN_MS);
}
