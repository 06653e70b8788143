// The list of prompts in Settings: searched, fifty a page, edited, removed and weighted, several at once.

import { closest, createElement, find, findAll, setText } from "./dom.js";

/**
 * @typedef {import("./server").PromptsRequest} PromptsRequest
 * @typedef {import("./types").Call<PromptsRequest, import("./server").PromptsHtml>} ProjectPrompts
 * @typedef {{ action: string, prompts?: number[], value?: unknown }} Change
 */

const TYPING_MS = 250;
const CHANGED = "palate-prompts";
const UNREACHABLE = "Palate is not answering. Try again in a moment.";

/** Let the list load anew, since prompts were added elsewhere on the page. */
export const announce = () => document.dispatchEvent(new Event(CHANGED));

/**
 * Start the list.
 * @param {import("./types").Component<{ project_prompts: ProjectPrompts }>} component
 */
export function start({ element, server }) {
  new PromptList(element, (request) => server.project_prompts(request)).listen();
}

export class PromptList {
  search = "";
  page = 1;
  removed = false;
  /** @type {Set<number>} */
  chosen = new Set();
  #element;
  #call;
  #asked = 0;

  /**
   * @param {HTMLElement} element
   * @param {ProjectPrompts} call
   */
  constructor(element, call) {
    this.#element = element;
    this.#call = call;
  }

  /** Load the list whenever it comes into view, and do what is clicked. */
  listen() {
    const element = this.#element;
    element.addEventListener("click", (event) => this.#clicked(event));
    element.addEventListener("change", (event) => this.#changed(event));
    element.addEventListener("keydown", (event) => this.#pressed(event));
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let typing;
    find(element, "input[type=search]").addEventListener("input", () => {
      clearTimeout(typing);
      typing = setTimeout(() => this.#searched(), TYPING_MS);
    });
    document.addEventListener(CHANGED, () => element.isConnected && this.load());
    new IntersectionObserver(([seen]) => seen?.isIntersecting && this.load()).observe(element);
  }

  /**
   * Show a page of the list, after a change of some prompts.
   * @param {Change} [change]
   * @returns {Promise<boolean>} whether the change was made
   */
  async load(change) {
    const { search, page, removed } = this;
    this.#asked += 1;
    const asked = this.#asked;
    const reply = await this.#call({ search, page, removed, ...(change ? { change } : {}) });
    // An answer to what was typed before is older than the one that is on its way.
    if (asked !== this.#asked) return Boolean(reply?.ok);
    if (!reply?.ok) {
      this.#say(reply?.error || UNREACHABLE, true);
      return false;
    }

    this.page = reply.page;
    find(this.#element, ".prompt-found").innerHTML = reply.rows;
    find(this.#element, ".prompt-options").innerHTML = reply.options;
    for (const button of findAll(this.#element, "[data-removed]")) {
      const gone = button.dataset.removed === "true";
      button.setAttribute("aria-pressed", String(gone === removed));
      const count = gone ? reply.removed : reply.in_use;
      setText(button, `${gone ? "Removed" : "In use"} (${count.toLocaleString("en")})`);
    }
    if (change) this.#say(reply.message);
    if (change?.action === "remove") this.#offerUndo(change.prompts || []);
    this.#showChosen();
    return true;
  }

  /** @param {string} text @param {boolean} [problem] */
  #say(text, problem = false) {
    const message = find(this.#element, ".prompt-message");
    setText(message, text);
    message.toggleAttribute("data-problem", problem);
  }

  /** @param {number[]} prompts numbers of prompts that were removed just now */
  #offerUndo(prompts) {
    const button = createElement("button", { type: "button" }, "Undo");
    button.addEventListener("click", () => this.load({ action: "restore", prompts }));
    find(this.#element, ".prompt-message").append(" ", button);
  }

  #searched() {
    const field = /** @type {HTMLInputElement} */ (find(this.#element, "input[type=search]"));
    Object.assign(this, { search: field.value.trim(), page: 1 });
    this.load();
  }

  /** @param {Event} event */
  #clicked(event) {
    const button = closest(event, "button");
    if (!button) return undefined;
    const { removed, page, act, all } = button.dataset;
    if (removed) {
      Object.assign(this, { removed: removed === "true", page: 1, chosen: new Set() });
      return this.load();
    }
    if (page) {
      this.page += Number(page);
      return this.load();
    }
    if (all) return this.#changeChosen(all);
    const row = button.closest("li");
    return act && row ? this.#act(act, /** @type {HTMLElement} */ (row)) : undefined;
  }

  /**
   * @param {string} act
   * @param {HTMLElement} row
   */
  #act(act, row) {
    if (act === "edit") return this.#edit(row);
    if (act === "cancel") return this.load();
    const number = Number(row.dataset.prompt);
    this.chosen.delete(number);
    if (act !== "save") return this.load({ action: act, prompts: [number] });
    const field = /** @type {HTMLTextAreaElement} */ (find(row, "textarea"));
    return this.load({ action: "edit", prompts: [number], value: field.value.replace(/\s+/g, " ") });
  }

  /** @param {HTMLElement} row */
  #edit(row) {
    const words = find(row, ".prompt-text");
    const field = document.createElement("textarea");
    field.value = words.textContent || "";
    field.rows = Math.min(6, 1 + Math.floor(field.value.length / 60));
    field.setAttribute("aria-label", "The prompt");
    find(row, ".prompt-words").replaceChildren(field);
    find(row, ".prompt-acts").innerHTML = '<button type="button" data-act="save">Save</button>'
      + '<button type="button" data-act="cancel">Cancel</button>';
    field.focus();
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const row = closest(event, "li");
    if (!row || !closest(event, "textarea")) return;
    if (event.key === "Escape") this.load();
    // A prompt is one line, so that Enter has nothing else to do.
    if (event.key !== "Enter" || event.isComposing) return;
    event.preventDefault();
    this.#act("save", row);
  }

  /** @param {Event} event */
  #changed(event) {
    const field = /** @type {HTMLInputElement | HTMLSelectElement} */ (event.target);
    const { option, choose, weight, weightAll } = field.dataset;
    if (option) {
      const value = option === "list" ? field.value : /** @type {HTMLInputElement} */ (field).checked;
      this.page = 1;
      this.load({ action: option, value });
    } else if (choose) {
      const number = Number(choose);
      if (/** @type {HTMLInputElement} */ (field).checked) this.chosen.add(number);
      else this.chosen.delete(number);
      this.#showChosen();
    } else if (weight !== undefined) {
      const number = Number(/** @type {HTMLElement} */ (field.closest("li")).dataset.prompt);
      this.load({ action: "weight", prompts: [number], value: Number(field.value) });
    } else if (weightAll !== undefined && field.value) {
      this.load({ action: "weight", prompts: [...this.chosen], value: Number(field.value) });
      field.value = "";
    }
  }

  /** @param {string} action */
  #changeChosen(action) {
    const prompts = [...this.chosen];
    this.chosen = new Set();
    if (action === "none") return this.#showChosen();
    return this.load({ action, prompts });
  }

  #showChosen() {
    for (const box of findAll(this.#element, "[data-choose]")) {
      /** @type {HTMLInputElement} */ (box).checked = this.chosen.has(Number(box.dataset.choose));
    }
    const bar = find(this.#element, ".prompt-chosen");
    bar.hidden = this.chosen.size === 0;
    setText(find(bar, "span"), `${this.chosen.size} chosen`);
    find(bar, "[data-all=remove]").hidden = this.removed;
    find(bar, "[data-all=restore]").hidden = !this.removed;
    find(bar, "[data-weight-all]").hidden = this.removed;
  }
}
