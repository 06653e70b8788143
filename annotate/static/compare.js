// The board of comparisons: how to look at them, one slider for all of them, and saving one.

const MODE_KEY = "palate-compare-mode";
let mode = "side";
try {
  mode = localStorage.getItem(MODE_KEY) || mode;
} catch {
  // A browser that keeps nothing starts side by side.
}

function setMode(next) {
  mode = next;
  element.dataset.mode = mode;
  for (const button of element.querySelectorAll("[data-mode]")) {
    button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  }
}

function cut(percent) {
  element.style.setProperty("--cut", `${percent}%`);
  for (const range of element.querySelectorAll('input[type="range"]')) range.value = percent;
}

// One picture file with both sides, at the size they were drawn in.
async function save(figure, name) {
  const pictures = [...figure.querySelectorAll("img")];
  const canvas = document.createElement("canvas");
  canvas.width = pictures.reduce((sum, picture) => sum + picture.naturalWidth, 0);
  canvas.height = Math.max(...pictures.map((picture) => picture.naturalHeight));
  let x = 0;
  for (const picture of pictures) {
    canvas.getContext("2d").drawImage(picture, x, 0);
    x += picture.naturalWidth;
  }
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.mode) {
    setMode(button.dataset.mode);
    try {
      localStorage.setItem(MODE_KEY, mode);
    } catch {
      // It is only a preference.
    }
  }
  if (button.dataset.save) save(button.closest("figure"), button.dataset.save);
});
element.addEventListener("input", (event) => {
  if (event.target.type === "range") cut(event.target.value);
});
watch("value", () => setMode(mode));
setMode(mode);
