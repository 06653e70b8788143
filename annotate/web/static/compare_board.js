// The comparison board: rows of prompts and seeds, columns of versions, and five modes to compare.
// It needs nothing of the page around it, since saved pages contain it too.

const MODES = {
  side: ["Side by side", "s"],
  slider: ["Slider", "l"],
  flicker: ["Flicker", "f"],
  difference: ["Difference", "d"],
  grid: ["Grid", "g"],
};
const TWO_COLUMN_MODES = ["slider", "flicker", "difference"];
const INPUT_FIELDS = "input:not([type=range]), textarea, select, [contenteditable]";

function createElement(tag, properties = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in created && name !== "list") created[name] = value;
    else created.setAttribute(name, value);
  }
  created.append(...children);
  return created;
}

// What the rows count. Only boards whose rows are seeds have a link that renders them again.
const rowName = (data) => data.row || "seed";

function makeBoard(root, { resolve = (url) => url, onMode = () => {}, actions = [] } = {}) {
  const state = { mode: "side", pair: [0, 1], amplification: 4, split: 50, key: "", data: null, figures: [] };
  const parts = {
    modes: createElement("div", { className: "switch", role: "group", ariaLabel: "How to compare" }),
    pair: createElement("div", { className: "column-pair" }),
    status: createElement("span", { className: "status", role: "status" }),
    legend: createElement("div", { className: "legend" }),
    cards: createElement("div", { className: "cards" }),
    hold: createElement("button", { type: "button", className: "hold", textContent: "Hold to swap" }),
    zoom: createElement("button", { type: "button", className: "reset", hidden: true }),
    help: createElement("p", { className: "help" }),
  };

  const zoom = makeZoom(root, (at) => {
    parts.zoom.hidden = at === 1;
    parts.zoom.textContent = `${at < 10 ? at.toFixed(1) : Math.round(at)}× · Reset`;
    const image = root.querySelector("img");
    const shown = image ? (image.clientWidth * at) / (image.naturalWidth || 1) : 0;
    // From three screen pixels per image pixel on, pixels are shown as sharp squares.
    root.toggleAttribute("data-dots", shown >= 3);
  });

  // ---- building ------------------------------------------------------------------------
  function show(data) {
    state.data = data;
    const key = JSON.stringify([data.prompts, data.seeds, data.columns]);
    if (key !== state.key) build(data, key);
    data.cells.forEach((row, index) => row.forEach((url, column) => setImage(index, column, url)));
    parts.status.textContent = data.status || "";
    parts.status.dataset.tone = data.tone || "calm";
    root.toggleAttribute("data-busy", Boolean(data.busy));
    update();
  }

  function build(data, key) {
    state.key = key;
    state.pair = [0, Math.min(data.columns.length, 2) - 1];
    root.style.setProperty("--columns", data.columns.length);
    zoom.reset();
    const row = data.seeds.length;
    state.figures = data.prompts.flatMap((prompt, i) =>
      data.seeds.map((seed, j) => card(data, prompt, seed, i * row + j)));
    parts.cards.replaceChildren(
      ...data.prompts.map((prompt, i) =>
        createElement("section", { className: "prompt" },
          createElement("h3", { textContent: prompt }),
          createElement("div", { className: "seeds" }, ...state.figures.slice(i * row, (i + 1) * row)))),
    );
    buildColumnSelects(data.columns);
  }

  function card(data, prompt, seed, index) {
    const sides = data.columns.map((column, i) =>
      createElement("span", { className: "side", "data-column": i, title: `${column}, ${rowName(data)} ${seed}` },
        createElement("span", { className: "frame loading" }), createElement("em", { textContent: column })));
    const map = createElement("span", { className: "side map" },
      createElement("span", { className: "frame" }, createElement("canvas", { role: "img" })),
      createElement("em", { textContent: "difference" }));
    const range = createElement("input", { type: "range", min: 0, max: 100, value: state.split });
    range.setAttribute("aria-label", "Share of the left image");
    return createElement("figure", { className: "comparison", "data-index": index },
      createElement("div", { className: "sides" }, ...sides, map, range),
      createElement("figcaption", {}, createElement("span", { textContent: prompt }),
        createElement("small", { textContent: `${rowName(data)} ${seed}` }),
        createElement("small", { className: "size" }),
        createElement("button", { type: "button", "data-save": index, textContent: "Download" })));
  }

  function setImage(index, column, url) {
    const side = figure(index).querySelector(`[data-column="${column}"]`);
    if (!url || side.dataset.url === url) return;
    side.dataset.url = url;
    const { prompts, seeds, columns } = state.data;
    const alt = `${prompts[Math.floor(index / seeds.length)]}, rendered by ${columns[column]}`;
    const image = createElement("img", { alt, loading: "lazy", decoding: "async", draggable: false });
    image.addEventListener("load", () => onImageLoad(index));
    image.src = resolve(url);
    side.firstChild.className = "frame";
    side.firstChild.replaceChildren(image);
  }

  const figure = (index) => state.figures[index];
  const imagesOf = (index) => state.pair.map((column) =>
    figure(index).querySelector(`[data-column="${column}"] img`));

  function onImageLoad(index) {
    const images = [...figure(index).querySelectorAll("img")].filter((image) => image.naturalWidth);
    const sizes = new Set(images.map((image) => `${image.naturalWidth} × ${image.naturalHeight}`));
    const first = images[0];
    figure(index).style.setProperty("--shape", `${first.naturalWidth} / ${first.naturalHeight}`);
    figure(index).querySelector(".size").textContent =
      sizes.size > 1 ? [...sizes].join(" and ") : "";
    if (state.mode === "difference") paintMap(index);
  }

  // ---- the two columns that are compared -------------------------------------------------
  function buildColumnSelects(columns) {
    const choose = (index) => {
      const select = createElement("select", { ariaLabel: index ? "Second of the two" : "First of the two" },
        ...columns.map((name, i) => createElement("option", { value: i, textContent: name })));
      select.value = state.pair[index];
      select.addEventListener("change", () => {
        state.pair[index] = Number(select.value);
        // Give the keyboard back to the board.
        select.blur();
        update();
      });
      return select;
    };
    parts.pair.replaceChildren(choose(0), createElement("span", { textContent: "and" }), choose(1));
  }

  function update() {
    root.dataset.mode = state.mode;
    for (const button of parts.modes.children) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === state.mode));
    }
    if (!state.data) return;
    const two = TWO_COLUMN_MODES.includes(state.mode);
    parts.pair.hidden = !two || state.data.columns.length < 3;
    parts.hold.hidden = state.mode !== "flicker";
    for (const side of root.querySelectorAll("[data-column]")) {
      const column = Number(side.dataset.column);
      side.classList.toggle("first", column === state.pair[0]);
      side.classList.toggle("second", column === state.pair[1] && column !== state.pair[0]);
      side.hidden = two && !state.pair.includes(column);
      // A lazily loaded image would flash when it is first swapped in.
      if (two && !side.hidden) side.querySelector("img")?.setAttribute("loading", "eager");
    }
    updateLegend();
    if (state.mode === "difference") observeMaps();
  }

  function updateLegend() {
    const [first, second] = state.pair.map((column) => state.data.columns[column]);
    const legends = { flicker: [`${first}, and ${second} while Space or an image is held.`],
      grid: [`From left to right: ${state.data.columns.join(", ")}. A click shows one large.`],
      difference: amplificationLegend(first, second) };
    parts.legend.replaceChildren(...(legends[state.mode] || []));
    parts.legend.hidden = !legends[state.mode];
  }

  // ---- the difference --------------------------------------------------------------------
  function amplificationLegend(first, second) {
    const select = createElement("select", { ariaLabel: "Amplification" },
      ...AMPLIFICATIONS.map((by) => createElement("option", { value: by, textContent: `${by}×` })));
    select.value = state.amplification;
    select.addEventListener("change", () => {
      state.amplification = Number(select.value);
      select.blur();
      update();
    });
    const bar = createElement("i", { className: "heat" });
    const stops = HEAT_COLORS.map(([r, g, b]) => `rgb(${r} ${g} ${b})`).join();
    bar.style.background = `linear-gradient(to right, ${stops})`;
    const most = 100 / state.amplification;
    return [`Where ${first} and ${second} differ, amplified`, select, createElement("span", {}, "equal ", bar,
      ` ${most.toFixed(most % 1 ? 1 : 0)} % of the full range${state.amplification > 1 ? " or more" : ""}`)];
  }

  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) paintMap(entry.target.dataset.index);
  }, { rootMargin: "300px" });

  function observeMaps() {
    observer.disconnect();
    for (const comparison of root.querySelectorAll("figure")) observer.observe(comparison);
  }

  function paintMap(index) {
    const [first, second] = imagesOf(index);
    if (!first?.naturalWidth || !second?.naturalWidth) return;
    const canvas = figure(index).querySelector("canvas");
    const key = [first.src, second.src, state.amplification].join();
    if (canvas.painted === key) return;
    canvas.painted = key;
    const share = 100 * paintDifference(canvas, first, second, state.amplification);
    const scaled = first.naturalWidth === second.naturalWidth
      && first.naturalHeight === second.naturalHeight ? "" : ", scaled";
    const text = share ? `differs by ${share.toFixed(share < 1 ? 2 : 1)} %${scaled}` : "equal";
    canvas.setAttribute("aria-label", `Difference map: ${text} on average`);
    figure(index).querySelector(".map em").textContent = text;
  }

  // ---- what a person does ----------------------------------------------------------------
  function setMode(mode) {
    if (!(mode in MODES)) return;
    state.mode = mode;
    swap(false);
    update();
    onMode(mode);
  }
  const swap = (on) => root.toggleAttribute("data-swapped",
    on && state.mode === "flicker" && state.pair[0] !== state.pair[1]);
  function setSplit(percent) {
    state.split = Math.min(100, Math.max(0, percent));
    root.style.setProperty("--split", `${state.split}%`);
    for (const range of root.querySelectorAll('input[type="range"]')) range.value = state.split;
  }
  const splitAt = (frame, event) => {
    const box = frame.getBoundingClientRect();
    return (100 * (event.clientX - box.left)) / box.width;
  };
  let dragged = null;

  function claim(frame, event) {
    if (state.mode === "flicker" && zoom.at.zoom === 1) {
      swap(true);
      return true;
    }
    if (state.mode !== "slider") return false;
    // Within 24 pixels of the handle a press drags it, even in a zoomed image.
    const near = Math.abs(splitAt(frame, event) - state.split) < (100 * 24) / frame.clientWidth;
    if (zoom.at.zoom > 1 && !near) return false;
    dragged = frame;
    frame.setPointerCapture(event.pointerId);
    setSplit(splitAt(frame, event));
    return true;
  }

  function onKeyDown(event) {
    if (!root.isConnected || !root.offsetParent || !state.data) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof Element && event.target.closest(INPUT_FIELDS)) return;
    const mode = Object.keys(MODES).find((name) => MODES[name][1] === event.key.toLowerCase());
    const frame = [...root.querySelectorAll(".frame")].find((shown) => shown.offsetParent
      && shown.querySelector("img")?.naturalWidth);
    if (event.key === " " && state.mode === "flicker") swap(true);
    else if (event.key === "Escape" && zoom.at.zoom !== 1) zoom.reset();
    else if (event.key === "1" && frame) zoom.exact(frame, frame.querySelector("img"));
    else if (mode && !event.repeat) setMode(mode);
    else return;
    event.preventDefault();
  }

  function onKeyUp(event) {
    if (event.key !== " " || !root.hasAttribute("data-swapped")) return;
    swap(false);
    event.preventDefault();
  }

  document.addEventListener("keydown", onKeyDown);
  document.addEventListener("keyup", onKeyUp);
  window.addEventListener("blur", () => swap(false));
  document.addEventListener("pointerup", () => { swap(false); dragged = null; });
  document.addEventListener("pointercancel", () => { swap(false); dragged = null; });
  root.addEventListener("pointermove", (event) => dragged && setSplit(splitAt(dragged, event)));
  root.addEventListener("contextmenu", (event) => root.hasAttribute("data-swapped") && event.preventDefault());
  root.addEventListener("input", (event) => event.target.type === "range" && setSplit(Number(event.target.value)));
  parts.modes.addEventListener("click", (event) => setMode(event.target.dataset.mode));
  parts.hold.addEventListener("pointerdown", () => swap(true));
  parts.zoom.addEventListener("click", () => zoom.reset());
  parts.cards.addEventListener("click", (event) => {
    const save = event.target.closest("[data-save]");
    if (save) return saveImages(figure(save.dataset.save), state.data);
    const chosen = state.mode === "grid" && event.target.closest("figure");
    if (!chosen) return null;
    setMode("side");
    return chosen.scrollIntoView({ block: "center" });
  });
  listenToZoom(root, zoom, claim);

  const keys = Object.values(MODES).map(([name, key]) => [key.toUpperCase(), name.toLowerCase()]);
  keys.push(["Space", "hold to swap in flicker"], ["1", "pixel for pixel"], ["Esc", "reset zoom"]);
  parts.help.append("Keys: ", ...keys.flatMap(([key, name], i) =>
    [i ? " · " : "", createElement("kbd", { textContent: key }), ` ${name}`]),
  ". Double click or Ctrl + wheel zooms all images at the same spot; then wheel and drag.");
  parts.modes.append(...Object.entries(MODES).map(([mode, [name, key]]) =>
    createElement("button", { type: "button", "data-mode": mode, textContent: name, title: `Key ${key.toUpperCase()}` })));
  root.replaceChildren(
    createElement("div", { className: "toolbar" }, parts.modes, parts.pair, parts.hold, parts.zoom,
      createElement("span", { className: "actions" }, ...actions)),
    parts.status, parts.legend, parts.cards, parts.help);
  setSplit(50);
  return { show, setMode, mode: () => state.mode, data: () => state.data };
}
