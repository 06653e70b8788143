// Which key means what, and when a key is meant for the stage at all.

const KEYS = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowDown: "tie",
  g: "both_good",
  b: "both_bad",
  s: "skip",
  z: "undo",
  "?": "help",
  Escape: "close",
};

const FIELDS = "input, textarea, select, [contenteditable], .cm-editor";

// The letter as typed, or as printed on the key where the layout has no Latin letters.
function keyName(event) {
  if (event.key.length !== 1) return event.key;
  if (event.key > "~" && event.code.startsWith("Key")) return event.code.slice(3).toLowerCase();
  return event.key.toLowerCase();
}

function actionOf(event) {
  if (event.defaultPrevented || event.repeat || event.isComposing) return null;
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.target instanceof Element && event.target.closest(FIELDS)) return null;
  const name = keyName(event);
  if (event.shiftKey && name !== "?") return null;
  return KEYS[name] || null;
}
