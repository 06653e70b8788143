// The stage is as tall as the window is below what lies over it, which may be a card that comes and goes.

/**
 * Keep --top of a stage at where it begins on the page, for as long as it is there.
 * @param {HTMLElement} stage
 */
export function followTop(stage) {
  let top = -1;

  const observer = new ResizeObserver(measure);
  // What is over the stage changes the height of the page, and a tab that opens that of the stage.
  for (const watched of [document.body, stage]) observer.observe(watched);
  window.addEventListener("resize", measure);

  function measure() {
    if (!stage.isConnected) {
      observer.disconnect();
      window.removeEventListener("resize", measure);
    } else if (stage.offsetParent !== null && !document.fullscreenElement) {
      const now = Math.max(0, Math.round(stage.getBoundingClientRect().top + window.scrollY));
      if (now !== top) stage.style.setProperty("--top", `${now}px`);
      top = now;
    }
  }
}
