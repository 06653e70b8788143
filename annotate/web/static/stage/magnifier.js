// Looking closely at the pair on the stage: zoom, flicker, difference, pixel for pixel, fullscreen.

const FLICKER_MS = 380;
const MOVED_PX = 6;
const SEEN_DIFFERENCE = 4;
const LARGE_DIFFERENCE = 0.08;

function makeCloser(element) {
  const stage = element.querySelector(".stage");
  const lens = element.querySelector(".lens");
  const canvas = lens.querySelector("canvas");
  const told = lens.querySelector(".lens-told");
  const images = () => [...element.querySelectorAll(".pair .frame img")];
  const closer = { dragged: false };
  let timer = 0;
  let side = 0;
  let pressedAt = null;

  const zoom = makeZoom(stage, (at) => {
    stage.querySelector('[data-act="unzoom"]').hidden = at === 1;
  });
  listenToZoom(stage, zoom, () => false, { always: true, double: false });

  function draw(image) {
    Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
  }

  function open(kind, text) {
    lens.hidden = false;
    lens.dataset.kind = kind;
    told.textContent = text;
  }

  function shut() {
    clearInterval(timer);
    timer = 0;
    lens.hidden = true;
    lens.dataset.kind = "";
  }

  // Both in one place, in turn: what changes between them jumps to the eye.
  closer.flicker = (held) => {
    if (lens.dataset.kind === "flicker") shut();
    if (!held || images().length !== 2) return;
    const swap = () => {
      const both = images();
      if (both.length !== 2) return shut();
      draw(both[side]);
      open("flicker", side ? "right" : "left");
      side = 1 - side;
    };
    side = 0;
    shut();
    swap();
    timer = setInterval(swap, FLICKER_MS);
  };

  closer.difference = () => {
    if (lens.dataset.kind === "difference") return shut();
    const [left, right] = images();
    if (!right) return undefined;
    shut();
    const mean = paintDifference(canvas, left, right, 1);
    // Small differences are amplified; large ones would only be one bright patch.
    if (mean < LARGE_DIFFERENCE) paintDifference(canvas, left, right, SEEN_DIFFERENCE);
    open("difference", `They differ by ${(100 * mean).toFixed(1)} % on average`);
    return undefined;
  };

  closer.pixels = () => {
    const frame = element.querySelector(".pair .frame");
    const [image] = images();
    if (!image) return;
    if (stage.hasAttribute("data-zoomed")) zoom.reset();
    else zoom.exact(frame, image);
  };

  closer.full = () => {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (stage.requestFullscreen) stage.requestFullscreen().catch(() => {});
  };

  closer.reset = () => {
    if (!lens.hidden) shut();
    if (stage.hasAttribute("data-zoomed")) zoom.reset();
  };
  closer.open = () => !lens.hidden || stage.hasAttribute("data-zoomed");

  // A drag of a zoomed image is no choice of it.
  stage.addEventListener("pointerdown", (event) => {
    pressedAt = [event.clientX, event.clientY];
    closer.dragged = false;
  }, true);
  stage.addEventListener("pointermove", (event) => {
    if (!pressedAt || !event.buttons) return;
    const [x, y] = pressedAt;
    if (Math.hypot(event.clientX - x, event.clientY - y) > MOVED_PX) closer.dragged = true;
  }, true);
  const hold = stage.querySelector('[data-hold="flicker"]');
  hold.addEventListener("pointerdown", () => closer.flicker(true));
  for (const end of ["pointerup", "pointerleave", "pointercancel"]) {
    hold.addEventListener(end, () => closer.flicker(false));
  }
  return closer;
}
