// The magnifier of the stage: zoom, flicker, difference map, pixel for pixel, fullscreen.

const FLICKER_MS = 380;
const MOVED_PX = 6;
const SMALL_DIFFERENCE_GAIN = 4;
const LARGE_DIFFERENCE = 0.08;

function makeMagnifier(element) {
  const stage = element.querySelector(".stage");
  const overlay = element.querySelector(".overlay");
  const canvas = overlay.querySelector("canvas");
  const label = overlay.querySelector(".overlay-label");
  const images = () => [...element.querySelectorAll(".pair .frame img")];
  const magnifier = { dragged: false };
  let timer = 0;
  let side = 0;
  let pressedAt = null;

  const zoom = makeZoom(stage, (at) => {
    stage.querySelector('[data-action="unzoom"]').hidden = at === 1;
  });
  listenToZoom(stage, zoom, () => false, { always: true, double: false });

  function paintImage(image) {
    Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
  }

  function open(kind, text) {
    overlay.hidden = false;
    overlay.dataset.kind = kind;
    label.textContent = text;
  }

  function close() {
    clearInterval(timer);
    timer = 0;
    overlay.hidden = true;
    overlay.dataset.kind = "";
  }

  // Alternates the two images in one place, which makes their differences visible.
  magnifier.flicker = (held) => {
    if (overlay.dataset.kind === "flicker") close();
    if (!held || images().length !== 2) return;
    const swap = () => {
      const both = images();
      if (both.length !== 2) return close();
      paintImage(both[side]);
      open("flicker", side ? "right" : "left");
      side = 1 - side;
    };
    side = 0;
    close();
    swap();
    timer = setInterval(swap, FLICKER_MS);
  };

  magnifier.difference = () => {
    if (overlay.dataset.kind === "difference") return close();
    const [left, right] = images();
    if (!right) return undefined;
    close();
    const mean = paintDifference(canvas, left, right, 1);
    // Small differences are amplified; large ones would become one bright patch.
    if (mean < LARGE_DIFFERENCE) paintDifference(canvas, left, right, SMALL_DIFFERENCE_GAIN);
    open("difference", `They differ by ${(100 * mean).toFixed(1)} % on average`);
    return undefined;
  };

  magnifier.pixels = () => {
    const frame = element.querySelector(".pair .frame");
    const [image] = images();
    if (!image) return;
    if (stage.hasAttribute("data-zoomed")) zoom.reset();
    else zoom.exact(frame, image);
  };

  magnifier.full = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (stage.requestFullscreen) stage.requestFullscreen().catch(() => {});
  };

  magnifier.reset = () => {
    if (!overlay.hidden) close();
    if (stage.hasAttribute("data-zoomed")) zoom.reset();
  };
  magnifier.open = () => !overlay.hidden || stage.hasAttribute("data-zoomed");

  // Dragging a zoomed image is no vote for it.
  stage.addEventListener("pointerdown", (event) => {
    pressedAt = [event.clientX, event.clientY];
    magnifier.dragged = false;
  }, true);
  stage.addEventListener("pointermove", (event) => {
    if (!pressedAt || !event.buttons) return;
    const [x, y] = pressedAt;
    if (Math.hypot(event.clientX - x, event.clientY - y) > MOVED_PX) magnifier.dragged = true;
  }, true);
  const hold = stage.querySelector('[data-hold="flicker"]');
  hold.addEventListener("pointerdown", () => magnifier.flicker(true));
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) {
    hold.addEventListener(end, () => magnifier.flicker(false));
  }
  return magnifier;
}
