// The board on the Compare tab: its data from the app, its link, and its downloads.

const MODE_KEY = "palate-compare-mode";
const LINK = "#compare&";
const TAB_BUTTON = "compare-tab-button";
const root = element.querySelector(".compare");
const resolve = (url) => new URL(url, pageRoot()).href;

const makeAction = (name, run) => {
  const button = createElement("button", { type: "button", textContent: name, hidden: true });
  button.addEventListener("click", async () => {
    button.disabled = true;
    const result = await run().catch((error) => {
      console.error(error);
      return "Could not";
    });
    button.disabled = false;
    if (!result) return;
    button.textContent = result;
    setTimeout(() => { button.textContent = name; }, 2000);
  });
  return button;
};
const actions = [
  makeAction("Copy link", async () => ((await copyText(linkOf())) ? "Copied" : "Link is in the address bar")),
  makeAction("Contact sheet", async () => {
    const canvas = await contactSheet(board.data(), resolve);
    return (await downloadCanvas(canvas, fileName(board.data(), ".png"))) ? "Saved" : "Too large";
  }),
  makeAction("Save as page", async () => {
    download(await buildStandalonePage(board.data(), resolve, PAGE_ASSETS, board.mode()), fileName(board.data(), ".html"));
    return "Saved";
  }),
];

function storedMode() {
  const linked = new URLSearchParams(location.hash.slice(1)).get("m");
  try {
    return linked || localStorage.getItem(MODE_KEY);
  } catch {
    return linked;
  }
}

const board = makeBoard(root, {
  resolve,
  actions,
  onMode(mode) {
    if (board.data() && location.hash.startsWith(LINK)) history.replaceState(null, "", linkOf());
    try {
      localStorage.setItem(MODE_KEY, mode);
    } catch {
      // Without localStorage the mode is not remembered.
    }
  },
});

const hasLink = () => rowName(board.data()) === "seed";
const plainAddress = () => location.href.replace(/#.*/s, "");

function linkOf() {
  const data = board.data();
  const params = [...data.prompts.map((prompt) => ["p", prompt]), ["s", data.seeds_text],
    ...data.columns.map((column) => ["c", column]), ["m", board.mode()]];
  const link = new URL(location.href);
  link.hash = LINK + new URLSearchParams(params);
  return link.href;
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page that is not served over https has no clipboard; this older way may still work.
    const box = createElement("textarea", { value: text });
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    history.replaceState(null, "", text);
    return done;
  }
}

// Asks the tab's button, since reading the layout would force a second layout.
const isTabOpen = () => document.getElementById(TAB_BUTTON)?.getAttribute("aria-selected") === "true";

function refresh() {
  const data = props.value;
  const filled = Boolean(data && data.cells);
  element.querySelector(".empty-board").hidden = filled;
  root.hidden = !filled;
  for (const button of actions) button.hidden = !filled;
  if (!filled) return;
  board.show(data);
  actions[0].hidden = !hasLink();
  if (isTabOpen()) history.replaceState(null, "", hasLink() ? linkOf() : plainAddress());
}

// The address bar holds the link of the comparison while its tab is open.
document.addEventListener("click", (event) => {
  const tab = event.isTrusted && event.target instanceof Element && event.target.closest('[role="tab"]');
  if (!tab || !element.isConnected || !board.data()) return;
  history.replaceState(null, "", tab.id === TAB_BUTTON && hasLink() ? linkOf() : plainAddress());
});

watch("value", refresh);
board.setMode(storedMode() || "side");
refresh();
