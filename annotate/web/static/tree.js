// The tree of versions: a click or Enter selects one, arrow keys move the focus.

let focused = "";

element.addEventListener("click", (event) => {
  const leaf = event.target.closest("[data-version]");
  if (!leaf) return;
  focused = leaf.dataset.version;
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

element.addEventListener("focusin", (event) => {
  focused = event.target.closest("[data-version]")?.dataset.version ?? "";
});

element.addEventListener("focusout", ({ target }) => {
  // A leaf that is rendered again loses the focus too, but is no longer in the page by then.
  setTimeout(() => {
    if (target.isConnected && !element.contains(document.activeElement)) focused = "";
  });
});

// Restores the focus after the tree is rendered again, by a selection or for a new version.
watch("value", () => {
  requestAnimationFrame(() => {
    if (!focused || document.activeElement !== document.body) return;
    element.querySelector(`[data-version="${CSS.escape(focused)}"]`)?.focus();
  });
});
