// Which key means what, and when a key is meant for the stage at all.

const ACTIONS = [
  ["left", "ArrowLeft", "the left picture is better"],
  ["right", "ArrowRight", "the right picture is better"],
  ["tie", "ArrowDown", "a tie, neither is better"],
  ["clear", "ArrowUp", "the last choice was a clear one"],
  ["both_good", "g", "both are good"],
  ["both_bad", "b", "both are bad"],
  ["skip", "s", "skip, you would rather not say"],
  ["undo", "z", "take back what you did last, as often as you like"],
  ["flicker", " ", "hold: one picture in the place of the other"],
  ["difference", "d", "show where they differ"],
  ["pixels", "1", "pixel for pixel; the wheel zooms both"],
  ["full", "f", "fill the screen"],
  ["four", "4", "four at a time: the best, then the worst; Esc goes back"],
  ["report", "x", "report: show this pair to nobody"],
  ["help", "?", "open or close this help"],
];
const PLACES = ["1", "2", "3", "4"];
const KEYS_KEY = "palate-keys";
const FIELDS = "input, textarea, select, [contenteditable], .cm-editor";
const GLYPHS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };
const OURS = new Set(["Escape", "Tab", "Enter", "Shift", "Control", "Alt", "Meta"]);

// The letter as typed, or as printed on the key where the layout has no Latin letters.
function keyName(event) {
  if (event.key.length !== 1) return event.key;
  if (event.key > "~" && event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
  return event.key.toLowerCase();
}

const glyphOf = (key) => GLYPHS[key] || (key.length === 1 ? key.toUpperCase() : key);

function makeKeys() {
  let own = {};
  try {
    own = JSON.parse(recall(localStorage, KEYS_KEY) || "{}");
  } catch {
    // Keys that cannot be read are the usual ones.
  }
  const keys = { reasons: [] };
  const keyOf = (action) => own[action] || ACTIONS.find(([name]) => name === action)[1];

  keys.of = keyOf;
  keys.all = () => ACTIONS.map(([action, , told]) => ({ action, key: keyOf(action), told }));
  keys.reset = () => keep({});
  keys.changed = () => Object.keys(own).length > 0;

  // Two actions never share a key: the other one takes the key that this one had.
  keys.set = (action, key) => {
    const other = keys.all().find((one) => one.key === key && one.action !== action);
    const next = { ...own, [action]: key };
    if (other) next[other.action] = keyOf(action);
    keep(next);
  };

  function keep(next) {
    own = next;
    remember(localStorage, KEYS_KEY, JSON.stringify(own));
  }

  // Reasons get the first letter of theirs that is free.
  keys.nameReasons = (names) => {
    const taken = new Set(keys.all().map((one) => one.key));
    keys.reasons = names.map((name) => {
      const letters = [...name.toLowerCase(), ..."abcdefghijklmnopqrstuvwxyz"];
      const key = letters.find((letter) => /[a-z]/.test(letter) && !taken.has(letter)) || "";
      taken.add(key);
      return { name, key };
    });
  };

  keys.actionOf = (event, layout) => {
    if (event.defaultPrevented || event.repeat || event.isComposing) return null;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (event.target instanceof Element && event.target.closest(FIELDS)) return null;
    const name = keyName(event);
    if (name === "Escape") return "close";
    if (event.shiftKey && name !== keyOf("help")) return null;
    // Whoever came to a button with the Tab key presses it with Space.
    if (name === " " && event.target.matches?.("button:focus-visible")) return null;
    if (layout === "four" && PLACES.includes(name)) return `place-${PLACES.indexOf(name)}`;
    const action = keys.all().find((one) => one.key === name);
    if (action) return action.action;
    const reason = keys.reasons.findIndex((one) => one.key === name);
    return reason < 0 ? null : `reason-${reason}`;
  };

  keys.free = (key) => !OURS.has(key) && !keys.reasons.some((one) => one.key === key);
  return keys;
}
