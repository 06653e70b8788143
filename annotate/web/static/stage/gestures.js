// Keys, clicks, taps and swipes, each turned into the name of an action.

const SWIPE_PX = 60;

function listenToHands({ element, keys, view, closer, act, layout }) {
  const typed = () => element.isConnected && view.shown();
  let asked = null;

  function onKey(event) {
    if (!element.isConnected) return document.removeEventListener("keydown", onKey);
    if (!typed()) return undefined;
    if (asked) return choose(event);
    const action = keys.actionOf(event, layout());
    if (!action) return undefined;
    if (action !== "close") event.preventDefault();
    if (action === "flicker") return closer.flicker(true);
    return act(action, event.timeStamp);
  }

  function onKeyUp(event) {
    if (!element.isConnected) return document.removeEventListener("keyup", onKeyUp);
    if (!keys.isOf(event, "flicker")) return undefined;
    // A button that was clicked last must not be pressed by the key that shows one in the place
    // of the other.
    if (typed() && event.target.matches?.("button:not(:focus-visible)")) event.preventDefault();
    return closer.flicker(false);
  }

  // ---- another key for an action -------------------------------------------------------
  function choose(event) {
    event.preventDefault();
    if (composes(event)) return undefined;
    const key = keyName(event);
    if (key !== "Escape") {
      if (!keys.free(key, asked)) return view.keyTold(`${glyphOf(key)} is taken. Press another key.`);
      keys.set(asked, key);
    }
    asked = null;
    return view.keys(keys);
  }

  element.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (pick) {
      asked = pick.dataset.pick;
      return view.keyTold("Press the key that you would rather have. Esc leaves it as it is.", pick);
    }
    const button = event.target.closest("[data-verdict], [data-place], [data-act]");
    if (!button || (closer.dragged && button.matches(".image"))) return undefined;
    const { verdict, place, act: named } = button.dataset;
    return act(verdict || (place && `place-${place}`) || named, event.timeStamp);
  });

  // ---- swipes ---------------------------------------------------------------------------
  const images = element.querySelector(".images");
  let from = null;
  images.addEventListener("pointerdown", (event) => {
    const alone = event.pointerType === "touch" && event.isPrimary && !closer.open();
    from = alone && layout() === "two" ? [event.clientX, event.clientY] : null;
  });
  images.addEventListener("pointerup", (event) => {
    if (!from || closer.open()) return;
    const [across, down] = [event.clientX - from[0], event.clientY - from[1]];
    from = null;
    if (Math.abs(across) < SWIPE_PX || Math.abs(across) < 2 * Math.abs(down)) return;
    act(across < 0 ? "left" : "right", event.timeStamp);
  });

  document.addEventListener("keydown", onKey);
  document.addEventListener("keyup", onKeyUp);
}
