// A board of comparisons: rows of prompts and seeds, columns of versions, and five ways to look.
// It asks nothing of the page around it, so that a saved file holds it as well.

const MODES = {
  side: ["Side by side", "s"],
  slider: ["Slider", "l"],
  flicker: ["Flicker", "f"],
  difference: ["Difference", "d"],
  grid: ["Grid", "g"],
};
const OF_TWO = ["slider", "flicker", "difference"];
const TYPING = "input:not([type=range]), textarea, select, [contenteditable]";

function make(tag, traits = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(traits)) {
    if (name in made && name !== "list") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

// What the numbers of the rows are; where they are no seeds, no link leads back to the board.
const nameOf = (data) => data.row || "seed";

function makeBoard(root, { resolve = (url) => url, onMode = () => {}, actions = [] } = {}) {
  const state = { mode: "side", pair: [0, 1], amplified: 4, cut: 50, key: "", data: null, figures: [] };
  const parts = {
    modes: make("div", { className: "switch", role: "group", ariaLabel: "How to compare" }),
    pair: make("div", { className: "column-pair" }),
    status: make("span", { className: "status", role: "status" }),
    legend: make("div", { className: "legend" }),
    cards: make("div", { className: "cards" }),
    hold: make("button", { type: "button", className: "hold", textContent: "Hold to swap" }),
    zoom: make("button", { type: "button", className: "reset", hidden: true }),
    help: make("p", { className: "help" }),
  };
  const zoom = makeZoom(root, (at) => {
    parts.zoom.hidden = at === 1;
    parts.zoom.textContent = `${at < 10 ? at.toFixed(1) : Math.round(at)}× · Reset`;
    const image = root.querySelector("img");
    const shown = image ? (image.clientWidth * at) / (image.naturalWidth || 1) : 0;
    root.toggleAttribute("data-dots", shown >= 3);
  });

  // ---- building ------------------------------------------------------------------------
  function show(data) {
    state.data = data;
    const key = JSON.stringify([data.prompts, data.seeds, data.columns]);
    if (key !== state.key) build(data, key);
    data.cells.forEach((row, place) => row.forEach((url, column) => fill(place, column, url)));
    parts.status.textContent = data.status || "";
    parts.status.dataset.tone = data.tone || "calm";
    root.toggleAttribute("data-busy", Boolean(data.busy));
    lookAgain();
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
        make("section", { className: "prompt" },
          make("h3", { textContent: prompt }),
          make("div", { className: "seeds" }, ...state.figures.slice(i * row, (i + 1) * row)))),
    );
    pairing(data.columns);
  }

  function card(data, prompt, seed, place) {
    const sides = data.columns.map((column, i) =>
      make("span", { className: "side", "data-column": i, title: `${column}, ${nameOf(data)} ${seed}` },
        make("span", { className: "frame loading" }), make("em", { textContent: column })));
    const map = make("span", { className: "side map" },
      make("span", { className: "frame" }, make("canvas", { role: "img" })),
      make("em", { textContent: "difference" }));
    const range = make("input", { type: "range", min: 0, max: 100, value: state.cut });
    range.setAttribute("aria-label", "How much of the left one");
    return make("figure", { className: "comparison", "data-place": place },
      make("div", { className: "sides" }, ...sides, map, range),
      make("figcaption", {}, make("span", { textContent: prompt }),
        make("small", { textContent: `${nameOf(data)} ${seed}` }),
        make("small", { className: "size" }),
        make("button", { type: "button", "data-save": place, textContent: "Download" })));
  }

  function fill(place, column, url) {
    const side = figure(place).querySelector(`[data-column="${column}"]`);
    if (!url || side.dataset.url === url) return;
    side.dataset.url = url;
    const { prompts, seeds, columns } = state.data;
    const alt = `${prompts[Math.floor(place / seeds.length)]}, rendered by ${columns[column]}`;
    const image = make("img", { alt, loading: "lazy", decoding: "async", draggable: false });
    image.addEventListener("load", () => measured(place));
    image.src = resolve(url);
    side.firstChild.className = "frame";
    side.firstChild.replaceChildren(image);
  }

  const figure = (place) => state.figures[place];
  const imagesOf = (place) => state.pair.map((column) =>
    figure(place).querySelector(`[data-column="${column}"] img`));

  function measured(place) {
    const images = [...figure(place).querySelectorAll("img")].filter((one) => one.naturalWidth);
    const sizes = new Set(images.map((one) => `${one.naturalWidth} × ${one.naturalHeight}`));
    const first = images[0];
    figure(place).style.setProperty("--shape", `${first.naturalWidth} / ${first.naturalHeight}`);
    figure(place).querySelector(".size").textContent =
      sizes.size > 1 ? [...sizes].join(" and ") : "";
    if (state.mode === "difference") paint(place);
  }

  // ---- the two that are looked at together -----------------------------------------------
  function pairing(columns) {
    const choose = (index) => {
      const select = make("select", { ariaLabel: index ? "Second of the two" : "First of the two" },
        ...columns.map((name, i) => make("option", { value: i, textContent: name })));
      select.value = state.pair[index];
      select.addEventListener("change", () => {
        state.pair[index] = Number(select.value);
        // Keys go to the board again, not to the list.
        select.blur();
        lookAgain();
      });
      return select;
    };
    parts.pair.replaceChildren(choose(0), make("span", { textContent: "and" }), choose(1));
  }

  function lookAgain() {
    root.dataset.mode = state.mode;
    for (const button of parts.modes.children) {
      button.setAttribute("aria-pressed", String(button.dataset.mode === state.mode));
    }
    if (!state.data) return;
    const two = OF_TWO.includes(state.mode);
    parts.pair.hidden = !two || state.data.columns.length < 3;
    parts.hold.hidden = state.mode !== "flicker";
    for (const side of root.querySelectorAll("[data-column]")) {
      const column = Number(side.dataset.column);
      side.classList.toggle("first", column === state.pair[0]);
      side.classList.toggle("second", column === state.pair[1] && column !== state.pair[0]);
      side.hidden = two && !state.pair.includes(column);
      // An image that is loaded when it is first swapped in would flash.
      if (two && !side.hidden) side.querySelector("img")?.setAttribute("loading", "eager");
    }
    tell();
    if (state.mode === "difference") watchMaps();
  }

  function tell() {
    const [first, second] = state.pair.map((column) => state.data.columns[column]);
    const legends = { flicker: [`${first}, and ${second} while Space or an image is held.`],
      grid: [`From left to right: ${state.data.columns.join(", ")}. A click shows one large.`],
      difference: scale(first, second) };
    parts.legend.replaceChildren(...(legends[state.mode] || []));
    parts.legend.hidden = !legends[state.mode];
  }

  // ---- the difference --------------------------------------------------------------------
  function scale(first, second) {
    const select = make("select", { ariaLabel: "Amplification" },
      ...AMPLIFICATIONS.map((by) => make("option", { value: by, textContent: `${by}×` })));
    select.value = state.amplified;
    select.addEventListener("change", () => {
      state.amplified = Number(select.value);
      select.blur();
      lookAgain();
    });
    const bar = make("i", { className: "heat" });
    const stops = HEAT_COLORS.map(([r, g, b]) => `rgb(${r} ${g} ${b})`).join();
    bar.style.background = `linear-gradient(to right, ${stops})`;
    const most = 100 / state.amplified;
    return [`Where ${first} and ${second} differ, amplified`, select, make("span", {}, "equal ", bar,
      ` ${most.toFixed(most % 1 ? 1 : 0)} % of the full range${state.amplified > 1 ? " or more" : ""}`)];
  }

  const seen = new IntersectionObserver((entries) => {
    for (const entry of entries) if (entry.isIntersecting) paint(entry.target.dataset.place);
  }, { rootMargin: "300px" });

  function watchMaps() {
    seen.disconnect();
    for (const one of root.querySelectorAll("figure")) seen.observe(one);
  }

  function paint(place) {
    const [first, second] = imagesOf(place);
    if (!first?.naturalWidth || !second?.naturalWidth) return;
    const canvas = figure(place).querySelector("canvas");
    const key = [first.src, second.src, state.amplified].join();
    if (canvas.painted === key) return;
    canvas.painted = key;
    const share = 100 * paintDifference(canvas, first, second, state.amplified);
    const scaled = first.naturalWidth === second.naturalWidth
      && first.naturalHeight === second.naturalHeight ? "" : ", scaled";
    const told = share ? `differs by ${share.toFixed(share < 1 ? 2 : 1)} %${scaled}` : "equal";
    canvas.setAttribute("aria-label", `Difference map: ${told} on average`);
    figure(place).querySelector(".map em").textContent = told;
  }

  // ---- what a person does ----------------------------------------------------------------
  function setMode(mode) {
    if (!(mode in MODES)) return;
    state.mode = mode;
    swap(false);
    lookAgain();
    onMode(mode);
  }
  const swap = (on) => root.toggleAttribute("data-swapped",
    on && state.mode === "flicker" && state.pair[0] !== state.pair[1]);
  function setCut(percent) {
    state.cut = Math.min(100, Math.max(0, percent));
    root.style.setProperty("--cut", `${state.cut}%`);
    for (const range of root.querySelectorAll('input[type="range"]')) range.value = state.cut;
  }
  const cutAt = (frame, event) => {
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
    const near = Math.abs(cutAt(frame, event) - state.cut) < (100 * 24) / frame.clientWidth;
    if (zoom.at.zoom > 1 && !near) return false;
    dragged = frame;
    frame.setPointerCapture(event.pointerId);
    setCut(cutAt(frame, event));
    return true;
  }

  function pressed(event) {
    if (!root.isConnected || !root.offsetParent || !state.data) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (event.target instanceof Element && event.target.closest(TYPING)) return;
    const mode = Object.keys(MODES).find((name) => MODES[name][1] === event.key.toLowerCase());
    const frame = [...root.querySelectorAll(".frame")].find((one) => one.offsetParent
      && one.querySelector("img")?.naturalWidth);
    if (event.key === " " && state.mode === "flicker") swap(true);
    else if (event.key === "Escape" && zoom.at.zoom !== 1) zoom.reset();
    else if (event.key === "1" && frame) zoom.exact(frame, frame.querySelector("img"));
    else if (mode && !event.repeat) setMode(mode);
    else return;
    event.preventDefault();
  }

  function released(event) {
    if (event.key !== " " || !root.hasAttribute("data-swapped")) return;
    swap(false);
    event.preventDefault();
  }

  document.addEventListener("keydown", pressed);
  document.addEventListener("keyup", released);
  window.addEventListener("blur", () => swap(false));
  document.addEventListener("pointerup", () => { swap(false); dragged = null; });
  document.addEventListener("pointercancel", () => { swap(false); dragged = null; });
  root.addEventListener("pointermove", (event) => dragged && setCut(cutAt(dragged, event)));
  root.addEventListener("contextmenu", (event) => root.hasAttribute("data-swapped") && event.preventDefault());
  root.addEventListener("input", (event) => event.target.type === "range" && setCut(Number(event.target.value)));
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
  keys.push(["Space", "held, swaps in flicker"], ["1", "pixel for pixel"], ["Esc", "whole images"]);
  parts.help.append("Keys: ", ...keys.flatMap(([key, name], i) =>
    [i ? " · " : "", make("kbd", { textContent: key }), ` ${name}`]),
  ". Double click or Ctrl + wheel zooms all images at the same spot; then wheel and drag.");
  parts.modes.append(...Object.entries(MODES).map(([mode, [name, key]]) =>
    make("button", { type: "button", "data-mode": mode, textContent: name, title: `Key ${key.toUpperCase()}` })));
  root.replaceChildren(
    make("div", { className: "toolbar" }, parts.modes, parts.pair, parts.hold, parts.zoom,
      make("span", { className: "actions" }, ...actions)),
    parts.status, parts.legend, parts.cards, parts.help);
  setCut(50);
  return { show, setMode, mode: () => state.mode, data: () => state.data };
}
