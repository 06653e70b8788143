// Keys: their actions, their meaning on other keyboard layouts, and rebinding.

const ACTIONS = [
  ["left", "ArrowLeft", "the left image is better"],
  ["right", "ArrowRight", "the right image is better"],
  ["tie", "ArrowDown", "a tie, neither is better"],
  ["clear", "ArrowUp", "the last choice was a clear one"],
  ["both_good", "g", "both are good"],
  ["both_bad", "b", "both are bad"],
  ["skip", "s", "skip, you would rather not say"],
  ["undo", "z", "undo what you did last, as often as you like"],
  ["flicker", " ", "hold: swap the two images in place"],
  ["difference", "d", "show where they differ"],
  ["pixels", "1", "pixel for pixel; the wheel zooms both"],
  ["full", "f", "fill the screen"],
  ["four", "4", "four at a time: the best, then the worst; Esc goes back"],
  ["place-0", "1", "of four: the first one"],
  ["place-1", "2", "of four: the second one"],
  ["place-2", "3", "of four: the third one"],
  ["place-3", "4", "of four: the fourth one"],
  ["report", "x", "flag: show this pair to nobody"],
  ["help", "?", "open or close this help"],
];
const KEYS_KEY = "palate-keys";
const INPUT_FIELDS = "input, textarea, select, [contenteditable], .cm-editor";
const GLYPHS = { ArrowLeft: "←", ArrowRight: "→", ArrowUp: "↑", ArrowDown: "↓", " ": "Space" };
const RESERVED_KEYS = new Set(["Escape", "Tab", "Enter", "Shift", "Control", "Alt", "Meta"]);

// Actions that exist both for two images and for four.
const SHARED_ACTIONS = ["skip", "undo", "help"];
const OTHER_LETTERS = /^[\p{L}\p{M}]+$/u;
const DIGIT = /^\p{Nd}$/u;
const LATIN = /\p{Script=Latin}/u;

// NFKC turns full-width letters and digits into plain ones.
const typedKey = ({ key }) => (key.length === 1 ? key.normalize("NFKC").toLowerCase() : key);

// The character printed on the key, where the layout does not type it without Shift: the digit on
// AZERTY, the Latin letter on layouts of other scripts. Null for any other key.
function printedKey({ key, code = "" }) {
  const [, kind, printed] = /^(Key|Digit|Numpad)([A-Z0-9])$/.exec(code) || [];
  if (kind === "Digit" || (kind === "Numpad" && DIGIT.test(key))) return printed;
  if (kind === "Key" && OTHER_LETTERS.test(key) && !LATIN.test(key)) return printed.toLowerCase();
  return null;
}

// The one name under which a key is stored: the printed character where it differs.
const keyName = (event) => printedKey(event) || typedKey(event);

// Dead keys, input methods and AltGr type a part of a character and are no shortcuts.
function isComposing(event) {
  const deadKey = ["Dead", "Process", "Unidentified", "Compose"].includes(event.key);
  return deadKey || event.isComposing || event.keyCode === 229 || event.getModifierState?.("AltGraph");
}

const glyphOf = (key) => GLYPHS[key] || (key.length === 1 ? key.toUpperCase() : key);

function makeKeys() {
  let custom = {};
  try {
    custom = JSON.parse(recall("localStorage", KEYS_KEY) || "{}");
  } catch {
    // Stored keys that cannot be read fall back to the defaults.
  }
  const keys = { reasons: [] };
  const keyOf = (action) => custom[action] || ACTIONS.find(([name]) => name === action)[1];

  keys.of = keyOf;
  keys.all = () => ACTIONS.map(([action, , label]) => ({ action, key: keyOf(action), label }));
  keys.reset = () => store({});
  keys.changed = () => Object.keys(custom).length > 0;

  // A rank in a group of four and an action on a pair may share a key: both are never on the page.
  const isPlace = (action) => action.startsWith("place-");
  const conflict = (action, other) => action !== other
    && (isPlace(action) === isPlace(other) || SHARED_ACTIONS.includes(action) || SHARED_ACTIONS.includes(other));

  // Conflicting actions never share a key: the other one takes the key that this one had.
  keys.set = (action, key) => {
    const other = keys.all().find((bound) => bound.key === key && conflict(bound.action, action));
    const next = { ...custom, [action]: key };
    if (other) next[other.action] = keyOf(action);
    store(next);
  };

  function store(next) {
    custom = next;
    remember("localStorage", KEYS_KEY, JSON.stringify(custom));
  }

  // Each reason gets the first of its letters that is free.
  keys.assignReasonKeys = (names) => {
    const taken = new Set(keys.all().map((bound) => bound.key));
    keys.reasons = names.map((name) => {
      const letters = [...name.toLowerCase(), ..."abcdefghijklmnopqrstuvwxyz"];
      const key = letters.find((letter) => /[a-z]/.test(letter) && !taken.has(letter)) || "";
      taken.add(key);
      return { name, key };
    });
  };

  // With four images a rank goes before any other meaning of a key.
  function meaning(name, layout) {
    const places = keys.all().filter(({ action }) => isPlace(action));
    const others = keys.all().filter(({ action }) => !isPlace(action));
    const known = [...(layout === "four" ? places : []), ...others].find(({ key }) => key === name);
    if (known) return known.action;
    const reason = keys.reasons.findIndex((item) => item.key === name);
    return reason < 0 ? null : `reason-${reason}`;
  }

  keys.actionOf = (event, layout) => {
    if (event.defaultPrevented || event.repeat || isComposing(event)) return null;
    if (event.ctrlKey || event.metaKey || event.altKey) return null;
    if (event.target instanceof Element && event.target.closest(INPUT_FIELDS)) return null;
    const typed = typedKey(event);
    if (typed === "Escape") return "close";
    // With Shift only digits and signs count (digits on AZERTY); a capital letter is no shortcut.
    if (event.shiftKey && !/^[^\p{L}\s]$/u.test(typed)) return null;
    // A button focused by Tab is pressed with Space.
    if (typed === " " && event.target.matches?.("button:focus-visible")) return null;
    const action = meaning(typed, layout);
    const printed = event.shiftKey ? null : printedKey(event);
    return action || (printed ? meaning(printed, layout) : null);
  };

  // True for the key of an action.
  keys.isOf = (event, action) => [typedKey(event), printedKey(event)].includes(keyOf(action));
  // True if an action may take a key: its present action must be able to take the old key in turn.
  keys.isFree = (key, action) => {
    if (RESERVED_KEYS.has(key) || keys.reasons.some((reason) => reason.key === key)) return false;
    const other = keys.all().find((bound) => bound.key === key && conflict(bound.action, action));
    return !other || !keys.all().some((bound) =>
      bound.key === keyOf(action) && bound.action !== action && conflict(bound.action, other.action));
  };
  return keys;
}
