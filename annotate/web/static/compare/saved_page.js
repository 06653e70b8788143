// A comparison as one file: a page with the images and this board in it, which asks no server.

/**
 * @typedef {import("../types").BoardData} BoardData
 * @typedef {{ scripts: Record<string, string>, style: string }} Assets the scripts by their place, and the style
 */

/** The script that starts a saved page, and the style sheets of one. */
const ENTRY = "compare/standalone.js";
const STYLES = ["styles/page.css", "styles/compare_board.css"];
// How every script here names another one.
const IMPORT = /(\bfrom\s+|\bimport\s+)"(\.{1,2}\/[^"]+)"/g;
const POLICY = "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; script-src 'unsafe-inline' data:";

/**
 * Build the page of a board.
 * @param {BoardData} data
 * @param {(url: string) => string} resolve makes an absolute URL of an image
 * @param {string} mode
 */
export async function buildSavedPage(data, resolve, mode) {
  const [cells, assets] = await Promise.all([embedImages(data, resolve), loadAssets()]);
  const { prompts, seeds, columns, labels, row } = data;
  const page = savedPage({ data: { prompts, seeds, columns, labels, row, cells }, mode }, assets);
  return new Blob([page], { type: "text/html" });
}

/**
 * Return the HTML of a saved page. Its policy forbids loading anything that is not in the file.
 * @param {{ data: BoardData, mode: string }} saved
 * @param {Assets} assets
 */
export function savedPage(saved, { scripts, style }) {
  const places = Object.keys(scripts);
  const imports = Object.fromEntries(places.map((place) => [nameOf(place), dataUrl(scripts[place], place)]));
  return `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>Palate: a comparison</title>
<style>${style}</style><script type="importmap">${asJson({ imports })}</script></head>
<body class="standalone"><div id="board"><div class="compare"></div></div>
<script type="application/json" id="saved">${asJson(saved)}</script>
<script type="module">import "${nameOf(ENTRY)}";</script></body></html>`;
}

/**
 * Load the scripts of a saved page and its style.
 * @returns {Promise<Assets>}
 */
async function loadAssets() {
  const [scripts, ...styles] = await Promise.all([loadScripts(fetchText), ...STYLES.map(fetchText)]);
  return { scripts, style: styles.join("\n") };
}

/**
 * Load the script that starts a saved page, and every script that it imports.
 * @param {(place: string) => Promise<string>} load
 */
export async function loadScripts(load) {
  /** @type {Record<string, string>} */
  const scripts = {};
  const waiting = [ENTRY];
  for (let place = waiting.pop(); place; place = waiting.pop()) {
    if (place in scripts) continue;
    scripts[place] = await load(place);
    for (const [, , path] of scripts[place].matchAll(IMPORT)) waiting.push(placeOf(path, place));
  }
  return scripts;
}

/**
 * Return where an import leads, as a place below the folder of all scripts.
 * @param {string} path
 * @param {string} from the place of the script that imports
 */
const placeOf = (path, from) => new URL(path, `file:///${from}`).pathname.slice(1);

/**
 * Return the name of a script in the import map. A script in a data URL cannot import by a path.
 * @param {string} place
 */
const nameOf = (place) => `palate/${place}`;

/**
 * Return a script as a data URL, with its imports by name.
 * @param {string} source
 * @param {string} place
 */
function dataUrl(source, place) {
  const named = source.replace(IMPORT, (_, keyword, path) => `${keyword}"${nameOf(placeOf(path, place))}"`);
  return `data:text/javascript;charset=utf-8,${encodeURIComponent(named)}`;
}

/**
 * Return JSON that may stand in a script: a prompt may contain the end tag of one.
 * @param {unknown} value
 */
const asJson = (value) => JSON.stringify(value).replaceAll("<", "\\u003c");

/** @param {string} place */
async function fetchText(place) {
  const reply = await fetch(new URL(`../${place}`, import.meta.url));
  if (!reply.ok) throw new Error(`${place} cannot be loaded.`);
  return reply.text();
}

/**
 * Return the cells with each image as a data URL.
 * @param {BoardData} data
 * @param {(url: string) => string} resolve
 */
async function embedImages(data, resolve) {
  const urls = [...new Set(data.cells.flat())];
  const embedded = new Map(await Promise.all(urls.map(async (url) =>
    /** @type {[string | null, string | null]} */ ([url, url && (await asDataUrl(resolve(url)))]))));
  return data.cells.map((row) => row.map((url) => embedded.get(url) || null));
}

/**
 * @param {string} url
 * @returns {Promise<string | null>}
 */
async function asDataUrl(url) {
  const reply = await fetch(url);
  if (!reply.ok) return null;
  const blob = await reply.blob();
  return new Promise((resolve) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => resolve(null);
    reader.readAsDataURL(blob);
  });
}
