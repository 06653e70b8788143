// Buttons of the verdict cards: voting happens on the Label tab, the rest is for the server.

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (!button) return;
  const { act, trial } = button.dataset;
  if (act === "vote") document.dispatchEvent(new CustomEvent("palate-trial", { detail: trial }));
  else trigger("select", { act, trial });
});
