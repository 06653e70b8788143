// Buttons of the blind-test cards: "vote" opens the Label tab, the others go to the server.

element.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-action]");
  if (!button) return;
  const { action, trial } = button.dataset;
  if (action === "vote") document.dispatchEvent(new CustomEvent("palate-trial", { detail: trial }));
  else trigger("select", { action, trial });
});
