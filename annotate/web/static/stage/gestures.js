// Input of the stage: keys, clicks, taps and swipes become the names of actions.

const SWIPE_PX = 60;

function listenToInput({ element, keys, view, magnifier, perform, layout }) {
  const isActive = () => element.isConnected && view.shown();
  let rebinding = null;

  function onKey(event) {
    if (!element.isConnected) return document.removeEventListener("keydown", onKey);
    if (!isActive()) return undefined;
    if (rebinding) return rebind(event);
    const action = keys.actionOf(event, layout());
    if (!action) return undefined;
    if (action !== "close") event.preventDefault();
    if (action === "flicker") return magnifier.flicker(true);
    return perform(action, event.timeStamp);
  }

  function onKeyUp(event) {
    if (!element.isConnected) return document.removeEventListener("keyup", onKeyUp);
    if (!keys.isOf(event, "flicker")) return undefined;
    // Space flickers; without this it would also press the button that was clicked last.
    if (isActive() && event.target.matches?.("button:not(:focus-visible)")) event.preventDefault();
    return magnifier.flicker(false);
  }

  // ---- choosing another key for an action ----------------------------------------------
  function rebind(event) {
    event.preventDefault();
    if (isComposing(event)) return undefined;
    const key = keyName(event);
    if (key !== "Escape") {
      if (!keys.isFree(key, rebinding)) return view.keyHint(`${glyphOf(key)} is taken. Press another key.`);
      keys.set(rebinding, key);
    }
    rebinding = null;
    return view.keys(keys);
  }

  element.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (pick) {
      rebinding = pick.dataset.pick;
      return view.keyHint("Press the new key. Esc keeps the old one.", pick);
    }
    const button = event.target.closest("[data-verdict], [data-place], [data-action]");
    if (!button || (magnifier.dragged && button.matches(".image"))) return undefined;
    const { verdict, place, action } = button.dataset;
    return perform(verdict || (place && `place-${place}`) || action, event.timeStamp);
  });

  // ---- swipes ---------------------------------------------------------------------------
  const images = element.querySelector(".images");
  let start = null;
  images.addEventListener("pointerdown", (event) => {
    const single = event.pointerType === "touch" && event.isPrimary && !magnifier.open();
    start = single && layout() === "two" ? [event.clientX, event.clientY] : null;
  });
  images.addEventListener("pointerup", (event) => {
    if (!start || magnifier.open()) return;
    const [across, down] = [event.clientX - start[0], event.clientY - start[1]];
    start = null;
    if (Math.abs(across) < SWIPE_PX || Math.abs(across) < 2 * Math.abs(down)) return;
    perform(across < 0 ? "left" : "right", event.timeStamp);
  });

  document.addEventListener("keydown", onKey);
  document.addEventListener("keyup", onKeyUp);
}
