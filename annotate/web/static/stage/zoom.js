// Zoom: one zoom for every image of a board; and difference maps of two images.

const MAX_ZOOM = 32;
const AMPLIFICATIONS = [1, 2, 4, 8, 16];
const MAX_MAP_SIZE = 1024;
// Black, violet, red, orange, pale yellow: brighter is always more, also to the color-blind.
const HEAT_COLORS = [[0, 0, 4], [87, 16, 110], [188, 55, 84], [249, 142, 9], [252, 255, 164]];

function makeZoom(root, onChange) {
  const at = { zoom: 1, x: 0, y: 0 };

  // Positions are shares of a frame, so that frames of any size show the same spot.
  function setZoom(zoom, x, y) {
    const clamp = (value) => (zoom < 1 ? (1 - zoom) / 2 : Math.min(0, Math.max(1 - zoom, value)));
    Object.assign(at, { zoom, x: clamp(x), y: clamp(y) });
    root.style.setProperty("--zoom", at.zoom);
    root.style.setProperty("--pan-x", `${100 * at.x}%`);
    root.style.setProperty("--pan-y", `${100 * at.y}%`);
    root.toggleAttribute("data-zoomed", at.zoom !== 1);
    onChange(at.zoom);
  }

  function zoomAt(x, y, factor) {
    const zoom = Math.min(MAX_ZOOM, Math.max(1, at.zoom * factor));
    setZoom(zoom, x - ((x - at.x) * zoom) / at.zoom, y - ((y - at.y) * zoom) / at.zoom);
  }

  return {
    at,
    zoomAt,
    reset: () => setZoom(1, 0, 0),
    pan: (x, y) => setZoom(at.zoom, at.x + x, at.y + y),
    // Shows one pixel of the image on one pixel of the screen, around the center of the view.
    exact(frame, image) {
      const zoom = image.naturalWidth / (frame.clientWidth * window.devicePixelRatio);
      const [x, y] = [(0.5 - at.x) / at.zoom, (0.5 - at.y) / at.zoom];
      setZoom(zoom, 0.5 - x * zoom, 0.5 - y * zoom);
    },
  };
}

// Zooms and pans by wheel, drag and pinch on the frames of a board. `claim` may take a press first.
function listenToZoom(root, zoom, claim, { always = false, double = true } = {}) {
  const fingers = new Map();
  const frameOf = (event) => event.target instanceof Element && event.target.closest(".frame");
  const pointIn = (frame, x, y) => {
    const box = frame.getBoundingClientRect();
    return [(x - box.left) / box.width, (y - box.top) / box.height];
  };

  // Without Ctrl the wheel scrolls the page until something is zoomed: a board is longer than a
  // screen, and the pointer is nearly always on an image.
  root.addEventListener("wheel", (event) => {
    const frame = frameOf(event);
    if (!frame || !(always || event.ctrlKey || event.metaKey || zoom.at.zoom > 1)) return;
    event.preventDefault();
    // Firefox counts the wheel in lines, others in pixels.
    const lines = event.deltaMode === 1 ? 30 : 1;
    const factor = Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) / 240);
    zoom.zoomAt(...pointIn(frame, event.clientX, event.clientY), factor);
  }, { passive: false });

  root.addEventListener("dblclick", (event) => {
    const frame = frameOf(event);
    if (!frame || !double) return;
    if (zoom.at.zoom === 1) zoom.zoomAt(...pointIn(frame, event.clientX, event.clientY), 3);
    else zoom.reset();
  });

  root.addEventListener("pointerdown", (event) => {
    const frame = frameOf(event);
    if (!frame || event.button) return;
    if (claim(frame, event)) return;
    fingers.set(event.pointerId, { frame, x: event.clientX, y: event.clientY });
    if (zoom.at.zoom > 1) frame.setPointerCapture(event.pointerId);
  });
  root.addEventListener("pointermove", (event) => {
    const finger = fingers.get(event.pointerId);
    if (!finger) return;
    const other = [...fingers.entries()].find(([id]) => id !== event.pointerId);
    const box = finger.frame.getBoundingClientRect();
    if (other) {
      const distance = (point) => Math.hypot(point.clientX - other[1].x, point.clientY - other[1].y) || 1;
      const factor = distance(event) / distance({ clientX: finger.x, clientY: finger.y });
      const middle = [(event.clientX + other[1].x) / 2, (event.clientY + other[1].y) / 2];
      zoom.zoomAt(...pointIn(finger.frame, ...middle), factor);
    } else if (zoom.at.zoom > 1) {
      zoom.pan((event.clientX - finger.x) / box.width, (event.clientY - finger.y) / box.height);
    }
    Object.assign(finger, { x: event.clientX, y: event.clientY });
  });
  for (const end of ["pointerup", "pointercancel"]) {
    root.addEventListener(end, (event) => fingers.delete(event.pointerId));
  }
  root.addEventListener("dragstart", (event) => frameOf(event) && event.preventDefault());
}

function heatColor(share) {
  const position = Math.min(1, share) * (HEAT_COLORS.length - 1);
  const low = Math.min(HEAT_COLORS.length - 2, Math.floor(position));
  return HEAT_COLORS[low].map((value, i) => value + (HEAT_COLORS[low + 1][i] - value) * (position - low));
}

function pixelsOf(image, width, height) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(image, 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
}

// Paints a difference map of two images; returns their mean difference as a share of the full range.
function paintDifference(canvas, first, second, amplification) {
  const wide = Math.max(first.naturalWidth, second.naturalWidth);
  const high = Math.max(first.naturalHeight, second.naturalHeight);
  const fit = Math.min(1, MAX_MAP_SIZE / Math.max(wide, high));
  const [width, height] = [Math.round(wide * fit), Math.round(high * fit)];
  const [a, b] = [first, second].map((image) => pixelsOf(image, width, height));

  // One color per level, since millions of pixels share 256 of them.
  const colors = Array.from({ length: 256 }, (_, level) => heatColor((level / 255) * amplification));
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const map = context.createImageData(width, height);

  let sum = 0;
  for (let i = 0; i < a.length; i += 4) {
    const parts = [0, 1, 2].map((c) => Math.abs(a[i + c] - b[i + c]));
    sum += parts[0] + parts[1] + parts[2];
    const color = colors[Math.max(...parts)];
    for (let c = 0; c < 3; c += 1) map.data[i + c] = color[c];
    map.data[i + 3] = 255;
  }
  context.putImageData(map, 0, 0);
  return sum / (a.length / 4) / 3 / 255;
}
