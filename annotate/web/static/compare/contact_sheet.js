// Images of a board: one comparison, and the contact sheet of all of them.

import { contextOf } from "../difference.js";
import { findAll } from "../dom.js";
import { fileName, labelsOf, promptOf, rowLabel } from "./board_data.js";
import { downloadCanvas } from "./download.js";

/** @typedef {import("../types").BoardData} BoardData */

const MAX_SHEET_PIXELS = 16e6;
const MAX_CELL = 512;
const MIN_CELL = 48;
const MIN_IMAGE = 64;
const INK = "#26211c";
const SOFT_INK = "#746b62";

/**
 * Save every column of a row as one image file, at the size they were rendered in.
 * @param {HTMLElement} figure
 * @param {BoardData} data
 */
export function saveImages(figure, data) {
  const images = /** @type {HTMLImageElement[]} */ (findAll(figure, "img"));
  const canvas = document.createElement("canvas");
  canvas.width = images.reduce((sum, image) => sum + image.naturalWidth, 0);
  canvas.height = Math.max(...images.map((image) => image.naturalHeight));

  const context = contextOf(canvas);
  let x = 0;
  for (const image of images) {
    context.drawImage(image, x, 0);
    x += image.naturalWidth;
  }
  const label = rowLabel(data, Number(figure.dataset.index)).replace(" ", "-");
  return downloadCanvas(canvas, fileName(data, `-${label}.png`));
}

/**
 * Draw the contact sheet: a row per prompt and seed, a column per version, with labels.
 * @param {BoardData} data
 * @param {(url: string) => string} resolve makes an absolute URL
 */
export async function contactSheet(data, resolve) {
  const rows = await Promise.all(data.cells.map((row) =>
    Promise.all(row.map((url) => (url ? loadOrNull(resolve(url)) : null)))));
  const { cell, gap, label, head, size } = measure(data, rows);

  const canvas = document.createElement("canvas");
  canvas.width = label + data.columns.length * (cell + gap) + gap;
  canvas.height = head + rows.length * (cell + gap) + gap;
  const context = contextOf(canvas);
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  Object.assign(context, { textBaseline: "middle", textAlign: "center", fillStyle: INK });
  context.font = `600 ${size}px system-ui, sans-serif`;

  labelsOf(data).forEach((name, i) => {
    const middle = label + gap + i * (cell + gap) + cell / 2;
    context.fillText(wrapText(context, name, cell, 1)[0], middle, head / 2);
  });

  context.textAlign = "left";
  rows.forEach((row, index) => {
    const y = head + index * (cell + gap);
    drawLabel(context, data, index, { y: y + cell / 2, width: label - 2 * gap, x: gap, size, cell });
    row.forEach((image, i) => {
      if (image) drawFitting(context, image, label + gap + i * (cell + gap), y, cell);
    });
  });
  return canvas;
}

/**
 * Wrap a text into lines of a width; a text of more lines than `most` ends in an ellipsis.
 * @param {Pick<CanvasRenderingContext2D, "measureText">} context
 * @param {string} text
 * @param {number} width
 * @param {number} most
 */
export function wrapText(context, text, width, most) {
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

/**
 * Return the sizes of a sheet in pixels: cells are as large as the images, within what browsers allow
 * for a canvas.
 * @param {BoardData} data
 * @param {(HTMLImageElement | null)[][]} rows
 */
export function measure(data, rows) {
  const natural = Math.max(MIN_IMAGE, ...rows.flat().map((image) => (image ? image.naturalWidth : 0)));
  const fitting = Math.sqrt(MAX_SHEET_PIXELS / (rows.length * (data.columns.length + 1)));
  const cell = Math.round(Math.max(MIN_CELL, Math.min(natural, MAX_CELL, fitting)));
  return {
    cell,
    gap: Math.max(2, Math.round(cell / 24)),
    label: Math.round(Math.max(cell * 0.9, 120)),
    head: Math.round(Math.max(28, cell / 6)),
    size: Math.round(Math.max(11, Math.min(20, cell / 9))),
  };
}

/**
 * @param {string} source
 * @returns {Promise<HTMLImageElement | null>}
 */
function loadOrNull(source) {
  return new Promise((resolve) => {
    const image = new Image();
    image.onload = () => resolve(image);
    image.onerror = () => resolve(null);
    image.src = source;
  });
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {HTMLImageElement} image
 * @param {number} x
 * @param {number} y
 * @param {number} cell
 */
function drawFitting(context, image, x, y, cell) {
  const fit = cell / Math.max(image.naturalWidth, image.naturalHeight);
  const [width, height] = [image.naturalWidth * fit, image.naturalHeight * fit];
  context.drawImage(image, x + (cell - width) / 2, y + (cell - height) / 2, width, height);
}

/**
 * @param {CanvasRenderingContext2D} context
 * @param {BoardData} data
 * @param {number} index
 * @param {{ x: number, y: number, width: number, size: number, cell: number }} at
 */
function drawLabel(context, data, index, at) {
  const step = at.size * 1.3;
  const most = Math.max(1, Math.floor(at.cell / step) - 1);
  context.font = `600 ${at.size}px system-ui, sans-serif`;
  const lines = wrapText(context, promptOf(data, index), at.width, most);
  const top = at.y - (lines.length * step) / 2;
  context.fillStyle = INK;
  lines.forEach((line, i) => context.fillText(line, at.x, top + i * step));
  context.fillStyle = SOFT_INK;
  context.font = `${at.size}px system-ui, sans-serif`;
  context.fillText(rowLabel(data, index), at.x, top + lines.length * step);
}
