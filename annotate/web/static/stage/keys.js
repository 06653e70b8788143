// Which key means what, and when a key is meant for the stage at all.

const ACTIONS = [
  ["left", "ArrowLeft", "the left image is better"],
  ["right", "ArrowRight", "the right image is better"],
  ["tie", "ArrowDown", "a tie, neither is better"],
  ["clear", "ArrowUp", "the last choice was a clear one"],
  ["both_good", "g", "both are good"],
  ["both_bad", "b", "both are bad"],
  ["skip", "s", "skip, you would rather not say"],
  ["undo", "z", "take back what you did last, as often as you like"],
  ["flicker", " ", "hold: one image in the place of the other"],
  ["difference", "d", "show where they differ"],
  ["pixels", "1", "pixel for pixel; the wheel zooms both"],
  ["full", "f", "fill the screen"],
  ["four", "4", "four at a time: the best, then the worst; Esc goes back"],
  ["place-0", "1", "of four: the first one"],
  ["place-1", "2", "of four: the second one"],
  ["place-2", "3", "of four: the third one"],
  ["place-3", "4", "of four: the fourth one"],
  ["report", "x", "report: show this pair to nobody"],
  ["help", "?", "open or close this help"],
];
const KEYS_KEY = "palate-keys";
const FIELDS = "input, textarea, select, [contenteditable], .cm-editor";
const GLYPHS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };
const OURS = new Set(["Escape", "Tab", "Enter", "Shift", "Control", "Alt", "Meta"]);

// Where these act, all other keys but the places mean what they mean everywhere.
const OF_BOTH = ["skip", "undo", "help"];
const OTHER_LETTERS = /^[\p{L}\p{M}]+$/u;
const DIGIT = /^\p{Nd}$/u;
const LATIN = /\p{Script=Latin}/u;

// A full-width letter or digit is the letter or digit.
const typedName = ({ key }) => (key.length === 1 ? key.normalize("NFKC").toLowerCase() : key);

// What is printed on the key, where the layout types no such character without Shift or at all: the
// digit on AZERTY, the letter on a layout without Latin letters. Null for any other key.
function printedName({ key, code = "" }) {
  const [, kind, printed] = /^(Key|Digit|Numpad)([A-Z0-9])$/.exec(code) || [];
  if (kind === "Digit" || (kind === "Numpad" && DIGIT.test(key))) return printed;
  if (kind === "Key" && OTHER_LETTERS.test(key) && !LATIN.test(key)) return printed.toLowerCase();
  return null;
}

// A key by one name, as it is kept: as printed where that differs.
const keyName = (event) => printedName(event) || typedName(event);

// Keys that type a part of something, or that belong to the browser.
function composes(event) {
  const part = ["Dead", "Process", "Unidentified", "Compose"].includes(event.key);
  return part || event.isComposing || event.keyCode === 229 || event.getModifierState?.("AltGraph");
}

const glyphOf = (key) => GLYPHS[key] || (key.length === 1 ? key.toUpperCase() : key);

function makeKeys() {
  let own = {};
  try {
    own = JSON.parse(recall("localStorage", KEYS_KEY) || "{}");
  } catch {
    // Keys that cannot be read are the usual ones.
  }
  const keys = { reasons: [] };
  const keyOf = (action) => own[action] || ACTIONS.find(([name]) => name === action)[1];

  keys.of = keyOf;
  keys.all = () => ACTIONS.map(([action, , told]) => ({ action, key: keyOf(action), told }));
  keys.reset = () => keep({});
  keys.changed = () => Object.keys(own).length > 0;

  // A place of four and an action on two images may share a key: they are never on the page together.
  const isPlace = (action) => action.startsWith("place-");
  const meet = (one, other) => one !== other
    && (isPlace(one) === isPlace(other) || OF_BOTH.includes(one) || OF_BOTH.includes(other));

  // Two actions that meet never share a key: the other one takes the key that this one had.
  keys.set = (action, key) => {
    const other = keys.all().find((one) => one.key === key && meet(one.action, action));
    const next = { ...own, [action]: key };
    if (other) next[other.action] = keyOf(action);
    keep(next);
  };

  function keep(next) {
    own = next;
    remember("localStorage", KEYS_KEY, JSON.stringify(own));
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

  // The places of four go before what else a key means, and count nowhere else.
  function meaning(name, layout) {
    const places = keys.all().filter(({ action }) => isPlace(action));
    const others = keys.all().filter(({ action }) => !isPlace(action));
    const known = [...(layout === "four" ? places : []), ...others].find(({ key }) => key === name);
    if (known) return known.action;
    const reason = keys.reasons.findIndex((one) => one.key === name);
    return reason < 0 ? null : `reason-${reason}`;
  }

  keys.actionOf = (event, layout) => {
    if (event.defaultPrevented || event.repeat || composes(event)) return null;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (event.target instanceof Element && event.target.closest(FIELDS)) return null;
    const typed = typedName(event);
    if (typed === "Escape") return "close";
    // With Shift a key means what it types, as digits do on AZERTY; a capital letter is no key.
    if (event.shiftKey && !/^[^\p{L}\s]$/u.test(typed)) return null;
    // Whoever came to a button with the Tab key presses it with Space.
    if (typed === " " && event.target.matches?.("button:focus-visible")) return null;
    const meant = meaning(typed, layout);
    const printed = event.shiftKey ? null : printedName(event);
    return meant || (printed ? meaning(printed, layout) : null);
  };

  // Whether a key is the one of an action.
  keys.isOf = (event, action) => [typedName(event), printedName(event)].includes(keyOf(action));
  // Whether an action may have a key; whoever had it takes the one that the action had, if it can.
  keys.free = (key, action) => {
    if (OURS.has(key) || keys.reasons.some((one) => one.key === key)) return false;
    const other = keys.all().find((one) => one.key === key && meet(one.action, action));
    return !other || !keys.all().some((one) =>
      one.key === keyOf(action) && one.action !== action && meet(one.action, other.action));
  };
  return keys;
}
