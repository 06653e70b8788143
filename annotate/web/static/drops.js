// Files that are dropped anywhere on the page: images are imported, text files are read as prompts. Nothing
// that is dropped makes the browser leave the page.

import { find, setText } from "./dom.js";
import { announce } from "./prompts.js";
import { acceptedFiles, announceFiles, filesOf, promptLines } from "./dropped_files.js";

/**
 * @typedef {import("./prompts.js").ProjectPrompts} ProjectPrompts
 * @typedef {{ project_prompts?: ProjectPrompts }} DropServer
 */

const ACCEPTED = "Drop images (PNG, JPEG, WebP), a folder of them, a text file with one prompt a line, or preferences (Parquet, JSONL, JSON, CSV).";
const ONLY_ADMINS = "Only admins add images and prompts here.";
const MAX_UPLOAD_BYTES = 4 * 2 ** 30;
const OWN_ZONES = "[data-testid=file-upload], .file-drop, [data-drop-zone]";
const FIELDS = "input, textarea, [contenteditable]";
const PATIENCE_MS = 5000;

/** Tell the stage that images were imported, which come next. */
export const announceImport = () => document.dispatchEvent(new Event("palate-imported"));

/**
 * Start to listen for drops.
 * @param {import("./types").Component<DropServer>} component
 */
export function start({ element, server }) {
  new Drops(element, server).listen();
}

export class Drops {
  #element;
  #server;
  #text = "";
  // Whether an image of the page itself is dragged, which browsers offer as a file too.
  #isOwn = false;

  /**
   * @param {HTMLElement} element
   * @param {DropServer} server
   */
  constructor(element, server) {
    this.#element = element;
    this.#server = server;
  }

  listen() {
    window.addEventListener("dragstart", () => {
      this.#isOwn = true;
    });
    for (const type of ["dragend", "pointerdown"]) {
      window.addEventListener(type, () => {
        this.#isOwn = false;
      });
    }
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
      window.addEventListener(type, (event) => this.#heard(/** @type {DragEvent} */ (event)));
    }
    this.#element.addEventListener("click", ({ target }) => {
      const button = target instanceof Element ? target.closest("[data-drop]") : null;
      if (button?.getAttribute("data-drop") === "add") this.#add();
      else if (button) this.#close();
    });
    this.#element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#close();
    });
  }

  /** @param {DragEvent} event */
  #heard(event) {
    const { target, type, dataTransfer } = event;
    if (this.#isOwn) return undefined;
    const inZone = target instanceof Element && target.closest(OWN_ZONES);
    const files = Boolean(dataTransfer && [...dataTransfer.types].includes("Files"));
    // Text may be dragged into a field, and a component that takes files takes its own.
    if (inZone || (!files && target instanceof Element && target.closest(FIELDS))) return this.#cover(false);
    event.preventDefault();
    if (dataTransfer && type === "dragover") dataTransfer.dropEffect = files ? "copy" : "none";
    if (type === "drop") {
      this.#cover(false);
      if (dataTransfer) this.take(dataTransfer);
    } else if (type === "dragleave") {
      // Only where the pointer leaves the window is there nothing that it enters.
      if (!event.relatedTarget) this.#cover(false);
    } else if (files) this.#cover(true);
    return undefined;
  }

  /**
   * Import the images that were dropped, or offer to add the prompts.
   * @param {DataTransfer} dropped
   */
  async take(dropped) {
    const files = await filesOf(dropped);
    const { images, prompts, preferences, beside, others } = acceptedFiles(files);
    if (!this.#server.project_prompts) return this.#tell(ONLY_ADMINS);
    // A table beside images says what they show; Parquet files hold images themselves.
    if (preferences.some(({ name }) => /\.parquet$/i.test(name)) || (preferences.length && !images.length)) return this.#preview(files);
    if (images.length) return this.#import([...images, ...beside]);
    if (prompts.length) return this.#offer(prompts);
    const [first] = others;
    const named = first ? `${first.name}${others.length > 1 ? ` and ${others.length - 1} more` : ""} cannot be used. ` : "";
    return this.#tell(`${named}${ACCEPTED}`);
  }

  /** @param {File[]} files */
  async #offer(files) {
    const texts = await Promise.all(files.map((file) => file.text()));
    this.#text = texts.join("\n");
    const lines = promptLines(this.#text);
    const from = files.length === 1 ? files[0].name : `${files.length} files`;
    if (!lines.length) return this.#tell(`${from} holds no prompt. Write one a line.`);
    const count = lines.length.toLocaleString("en");
    return this.#show(`Add ${count} ${lines.length === 1 ? "prompt" : "prompts"} from ${from}?`, lines.slice(0, 5), true);
  }

  async #add() {
    const change = { action: "add", value: this.#text };
    this.#text = "";
    const reply = await this.#server.project_prompts?.({ search: "", page: 1, removed: false, change });
    this.#tell(reply?.ok ? reply.message : reply?.error || "Palate is not answering. Drop the file again.");
    if (reply?.ok) announce();
  }

  /**
   * Hand images to the section that imports them, which previews them first.
   * @param {File[]} files
   */
  async #import(files) {
    const bytes = files.reduce((sum, file) => sum + file.size, 0);
    if (bytes > MAX_UPLOAD_BYTES) {
      const size = (bytes / 2 ** 30).toFixed(1);
      return this.#tell(`That is ${size} GB, and 4 GB can be sent at once. Name the folder in Settings, Import images.`);
    }
    document.getElementById("settings-tab-button")?.click();
    const field = await this.#uploadField();
    if (!field) return this.#tell("The import cannot be opened. Reload the page, then drop the images again.");
    const transfer = new DataTransfer();
    for (const file of files) transfer.items.add(file);
    field.files = transfer.files;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    document.getElementById("import-section")?.scrollIntoView({ block: "start" });
    return undefined;
  }

  /**
   * Hand preferences to the section that brings them in, which previews them first.
   * @param {File[]} files
   */
  async #preview(files) {
    document.getElementById("settings-tab-button")?.click();
    const section = await this.#opened("data", () => document.querySelector("#data section.data"));
    if (!section) return this.#tell("The section Data cannot be opened. Reload the page, then drop the files again.");
    section.scrollIntoView({ block: "start" });
    return announceFiles(files);
  }

  /** Open the section and return its file field; null if it does not come. */
  #uploadField() {
    return this.#opened("import-section", () => {
      // Gradio puts the field of an upload button beside it.
      const button = document.getElementById("import-upload");
      const field = button?.parentElement?.querySelector("input[type=file]");
      return field instanceof HTMLInputElement ? field : null;
    });
  }

  /**
   * Unfold a section of Settings, and return what is looked for in it; null if it does not come.
   * @template {Element} Found
   * @param {string} id
   * @param {() => Found | null} look
   * @returns {Promise<Found | null>}
   */
  async #opened(id, look) {
    const end = Date.now() + PATIENCE_MS;
    while (Date.now() < end) {
      const found = look();
      if (found) return found;
      const section = document.querySelector(`#${id} > button`);
      if (section instanceof HTMLElement && !section.classList.contains("open")) section.click();
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return null;
  }

  /** @param {string} sentence */
  #tell(sentence) {
    this.#show(sentence, [], false);
  }

  /**
   * @param {string} title
   * @param {string[]} lines
   * @param {boolean} asks
   */
  #show(title, lines, asks) {
    const card = find(this.#element, ".drop-card");
    setText(find(card, ".drop-title"), title);
    find(card, "ul").replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
    find(card, "[data-drop=add]").hidden = !asks;
    setText(find(card, "[data-drop=close]"), asks ? "Cancel" : "Close");
    card.hidden = false;
    find(card, asks ? "[data-drop=add]" : "[data-drop=close]").focus();
  }

  #close() {
    this.#text = "";
    find(this.#element, ".drop-card").hidden = true;
  }

  /** @param {boolean} shown */
  #cover(shown) {
    find(this.#element, ".drop-cover").hidden = !shown;
  }
}
