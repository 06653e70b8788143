// The tree of versions: a click or Enter chooses one, arrow keys walk through it.

let refocus = false;

element.addEventListener("click", (event) => {
  const leaf = event.target.closest("[data-version]");
  if (!leaf) return;
  refocus = true;
  trigger("select", { version: leaf.dataset.version });
});

element.addEventListener("keydown", (event) => {
  const leaves = [...element.querySelectorAll("[data-version]")];
  const at = leaves.indexOf(document.activeElement);
  const last = leaves.length - 1;
  const to = { ArrowDown: Math.min(at + 1, last), ArrowUp: Math.max(at - 1, 0), Home: 0, End: last };
  if (at < 0 || !(event.key in to)) return;
  event.preventDefault();
  leaves[to[event.key]].focus();
});

// Choosing draws the tree anew; the focus goes back to where it was.
watch("value", () => {
  if (!refocus) return;
  refocus = false;
  requestAnimationFrame(() => element.querySelector('[aria-current="true"]')?.focus());
});
