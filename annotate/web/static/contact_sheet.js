// Downloads of a board: one comparison, a contact sheet, or a standalone page.

const MAX_SHEET_PIXELS = 16e6;
const MAX_CELL = 512;
const MIN_CELL = 48;

function download(blob, name) {
  const link = createElement("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  // Not at once: some browsers start the download a moment later.
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function fileName(data, ending) {
  const words = data.columns.join("-").replace(/[^A-Za-z0-9.@+-]+/g, "");
  return `palate-${words}${ending}`;
}

async function downloadCanvas(canvas, name) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob) download(blob, name);
  return Boolean(blob);
}

// Saves every column of a row as one image file, at the size they were rendered in.
function saveImages(figure, data) {
  const images = [...figure.querySelectorAll("img")];
  const canvas = document.createElement("canvas");
  canvas.width = images.reduce((sum, image) => sum + image.naturalWidth, 0);
  canvas.height = Math.max(...images.map((image) => image.naturalHeight));
  let x = 0;
  for (const image of images) {
    canvas.getContext("2d").drawImage(image, x, 0);
    x += image.naturalWidth;
  }
  const seed = data.seeds[figure.dataset.index % data.seeds.length];
  return downloadCanvas(canvas, fileName(data, `-${rowName(data)}-${seed}.png`));
}

function loadOrNull(source) {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null);
    image.src = source;
  });
}

// Wraps a text into lines of a width; a text of more lines than `most` ends in an ellipsis.
function wrapText(context, text, width, most) {
  const lines = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line ? `${line} ${word}` : word;
    if (!line || context.measureText(longer).width <= width) line = longer;
    else {
      lines.push(line);
      line = word;
    }
  }
  lines.push(line);

  const kept = lines.slice(0, most);
  return kept.map((full, i) => {
    let cut = full;
    const more = i === kept.length - 1 && lines.length > most ? "…" : "";
    while (cut && context.measureText(cut + more).width > width) cut = cut.slice(0, -1);
    return cut === full && !more ? full : `${cut}…`;
  });
}

// Draws the contact sheet: a row per prompt and seed, a column per version, with labels.
async function contactSheet(data, resolve) {
  const rows = await Promise.all(data.cells.map((row) =>
    Promise.all(row.map((url) => (url ? loadOrNull(resolve(url)) : null)))));

  // Cells are as large as the images, within what browsers allow for a canvas.
  const natural = Math.max(64, ...rows.flat().map((image) => (image ? image.naturalWidth : 0)));
  const columns = data.columns.length;
  const fitting = Math.sqrt(MAX_SHEET_PIXELS / (rows.length * (columns + 1)));
  const cell = Math.round(Math.max(MIN_CELL, Math.min(natural, MAX_CELL, fitting)));

  const gap = Math.max(2, Math.round(cell / 24));
  const label = Math.round(Math.max(cell * 0.9, 120));
  const head = Math.round(Math.max(28, cell / 6));
  const canvas = document.createElement("canvas");
  canvas.width = label + columns * (cell + gap) + gap;
  canvas.height = head + rows.length * (cell + gap) + gap;

  const context = canvas.getContext("2d");
  const size = Math.round(Math.max(11, Math.min(20, cell / 9)));
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(context, { textBaseline: "middle", textAlign: "center", fillStyle: "#26211c" });
  context.font = `600 ${size}px system-ui, sans-serif`;

  data.columns.forEach((name, i) => {
    const middle = label + gap + i * (cell + gap) + cell / 2;
    context.fillText(wrapText(context, name, cell, 1)[0], middle, head / 2);
  });

  context.textAlign = "left";
  rows.forEach((row, index) => {
    const y = head + index * (cell + gap);
    rowLabel(context, data, index, { y: y + cell / 2, width: label - 2 * gap, x: gap, size, cell });
    row.forEach((image, i) => {
      if (!image) return;
      const fit = cell / Math.max(image.naturalWidth, image.naturalHeight);
      const [w, h] = [image.naturalWidth * fit, image.naturalHeight * fit];
      const x = label + gap + i * (cell + gap);
      context.drawImage(image, x + (cell - w) / 2, y + (cell - h) / 2, w, h);
    });
  });
  return canvas;
}

function rowLabel(context, data, index, at) {
  const prompt = data.prompts[Math.floor(index / data.seeds.length)];
  const step = at.size * 1.3;
  const lines = wrapText(context, prompt, at.width, Math.max(1, Math.floor(at.cell / step) - 1));
  const top = at.y - (lines.length * step) / 2;
  context.fillStyle = "#26211c";
  context.font = `600 ${at.size}px system-ui, sans-serif`;
  lines.forEach((line, i) => context.fillText(line, at.x, top + i * step));
  context.fillStyle = "#746b62";
  context.font = `${at.size}px system-ui, sans-serif`;
  const seed = `${rowName(data)} ${data.seeds[index % data.seeds.length]}`;
  context.fillText(seed, at.x, top + lines.length * step);
}

async function asDataUrl(url) {
  const reply = await fetch(url);
  if (!reply.ok) return null;
  const blob = await reply.blob();
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(reader.result);
    reader.onerror = () => resolve(null);
    reader.readAsDataURL(blob);
  });
}

// Builds a page with the images and this board in it. Its policy forbids loading anything else.
async function buildStandalonePage(data, resolve, assets, mode) {
  const urls = [...new Set(data.cells.flat().filter(Boolean))];
  const dataUrls = new Map(await Promise.all(urls.map(async (url) => [url, await asDataUrl(resolve(url))])));
  const cells = data.cells.map((row) => row.map((url) => dataUrls.get(url) || null));

  const { prompts, seeds, columns, row } = data;
  const boardData = { prompts, seeds, columns, row, cells };
  // A prompt may contain the end tag of a script, which would end this one; so would a comment here.
  const json = JSON.stringify(boardData).replaceAll("<", "\\u003c");
  const policy = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline'";
  const start = `const data = ${json};
document.documentElement.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);
const sheet = createElement("button", { type: "button", textContent: "Contact sheet" });
const board = makeBoard(document.querySelector(".compare"), { actions: [sheet] });
sheet.addEventListener("click", async () =>
  downloadCanvas(await contactSheet(data, (url) => url), fileName(data, ".png")));
board.show(data);
board.setMode(${JSON.stringify(mode)});`;

  const page = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Palate: a comparison</title>
<style>${assets.style}</style></head><body class="standalone"><div id="board"><div class="compare"></div></div>
<script>${assets.script}
${start}<\/script></body></html>`;
  return new Blob([page], { type: "text/html" });
}
