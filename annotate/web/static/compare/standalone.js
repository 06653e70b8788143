// Starts a saved comparison, which is one file with its data in it.

import { createElement, find } from "../dom.js";
import { Board } from "./board.js";
import { fileName } from "./board_data.js";
import { contactSheet } from "./contact_sheet.js";
import { downloadCanvas } from "./download.js";

/** @type {{ data: import("../types").BoardData, mode: string }} */
const { data, mode } = JSON.parse(find(document, "#saved").textContent || "");
document.documentElement.classList.toggle("dark", matchMedia("(prefers-color-scheme: dark)").matches);

const sheet = createElement("button", { type: "button", textContent: "Contact sheet" });
sheet.addEventListener("click", async () =>
  downloadCanvas(await contactSheet(data, (url) => url), fileName(data, ".png")));

const board = new Board(find(document, ".compare"), { actions: [sheet] });
board.show(data);
board.setMode(mode);
