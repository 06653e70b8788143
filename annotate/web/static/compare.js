// The board on the Compare tab: what the app tells it, its link, and what can be taken away.

const MODE_KEY = "palate-compare-mode";
const LINK = "#compare&";
const TAB = "compare-tab-button";
const root = element.querySelector(".compare");
const resolve = (url) => new URL(url, pageRoot()).href;

const action = (name, act) => {
  const button = make("button", { type: "button", textContent: name, hidden: true });
  button.addEventListener("click", async () => {
    button.disabled = true;
    const told = await act().catch((error) => {
      console.error(error);
      return "Could not";
    });
    button.disabled = false;
    if (!told) return;
    button.textContent = told;
    setTimeout(() => { button.textContent = name; }, 2000);
  });
  return button;
};
const actions = [
  action("Copy link", async () => ((await copied(linkOf())) ? "Copied" : "Link is in the address bar")),
  action("Contact sheet", async () => {
    const canvas = await contactSheet(board.data(), resolve);
    return (await savedCanvas(canvas, fileName(board.data(), ".png"))) ? "Saved" : "Too large";
  }),
  action("Save as page", async () => {
    savedAs(await savedPage(board.data(), resolve, PAGE_ASSETS, board.mode()), fileName(board.data(), ".html"));
    return "Saved";
  }),
];

function recalled() {
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
      // It is only a preference.
    }
  },
});

const hasLink = () => nameOf(board.data()) === "seed";
const plainAddress = () => location.href.replace(/#.*/s, "");

function linkOf() {
  const data = board.data();
  const words = [...data.prompts.map((prompt) => ["p", prompt]), ["s", data.seeds_text],
    ...data.columns.map((column) => ["c", column]), ["m", board.mode()]];
  const link = new URL(location.href);
  link.hash = LINK + new URLSearchParams(words);
  return link.href;
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // A page that is not served over https has no clipboard; this older way may still work.
    const box = make("textarea", { value: text });
    document.body.append(box);
    box.select();
    const done = document.execCommand("copy");
    box.remove();
    history.replaceState(null, "", text);
    return done;
  }
}

// What is laid out would say it too, and be laid out twice.
const looked = () => document.getElementById(TAB)?.getAttribute("aria-selected") === "true";

function refresh() {
  const data = props.value;
  const filled = Boolean(data && data.cells);
  element.querySelector(".empty-board").hidden = filled;
  root.hidden = !filled;
  for (const button of actions) button.hidden = !filled;
  if (!filled) return;
  board.show(data);
  actions[0].hidden = !hasLink();
  if (looked()) history.replaceState(null, "", hasLink() ? linkOf() : plainAddress());
}

// The address bar holds the comparison for as long as its tab is looked at.
document.addEventListener("click", (event) => {
  const tab = event.isTrusted && event.target instanceof Element && event.target.closest('[role="tab"]');
  if (!tab || !element.isConnected || !board.data()) return;
  history.replaceState(null, "", tab.id === TAB && hasLink() ? linkOf() : plainAddress());
});

watch("value", refresh);
board.setMode(recalled() || "side");
refresh();
