// The section Data in Settings: forms and buttons are sent, and what comes back is HTML by the name of its place.

import { closest, find, findAll, setText } from "../dom.js";
import { filesOf, PREFERENCES_DROPPED } from "../dropped_files.js";
import { sendFiles } from "./send_files.js";

/**
 * @typedef {import("../server").DataRequest} DataRequest
 * @typedef {import("../server").DataHtml} DataHtml
 * @typedef {import("../types").Call<DataRequest, DataHtml>} ProjectData
 * @typedef {Record<string, unknown>} Value
 */

const LOOK_MS = 500;
const UNREACHABLE = "Palate is not answering. Try again in a moment.";
const UNDER_WAY = ["running", "stopping"];
/**
 * Where the problem of an action stands; that of any other at the path.
 * @type {Record<string, string>}
 */
const PLACES = {
  change: "sources", rename: "sources", remove: "sources", export: "out", backup: "backup", merge: "merge", merge_preview: "merge",
  restore_votes: "restore",
};

/**
 * Start the section.
 * @param {import("../types").Component<{ project_data: ProjectData }>} component
 */
export function start({ element, server }) {
  new DataSection(element, (request) => server.project_data(request)).listen();
}

export class DataSection {
  #element;
  #call;
  #send;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #isBusy = false;
  /** @type {AbortController | null} */
  #sending = null;

  /**
   * @param {HTMLElement} element
   * @param {ProjectData} call
   * @param {typeof sendFiles} send
   */
  constructor(element, call, send = sendFiles) {
    this.#element = element;
    this.#call = call;
    this.#send = send;
  }

  /** Load whenever the section comes into view, and do what is pressed, chosen or dropped. */
  listen() {
    const element = this.#element;
    element.addEventListener("submit", (event) => this.#submitted(event));
    element.addEventListener("click", (event) => this.#clicked(event));
    element.addEventListener("change", (event) => this.#changed(event));
    element.addEventListener("keydown", (event) => {
      const asks = event.key === "Escape" && closest(event, "[data-asks]");
      if (asks) this.#ask(asks, false);
    });
    this.#takeDrops(find(element, "[data-drop-zone]"));
    document.addEventListener(PREFERENCES_DROPPED, (event) => {
      if (element.isConnected) this.take(/** @type {CustomEvent<File[]>} */ (event).detail);
    });
    new IntersectionObserver(([seen]) => seen?.isIntersecting && this.act("look")).observe(element);
  }

  /**
   * Send an action, and show what comes back.
   * @param {string} action
   * @param {Value} [value]
   * @returns {Promise<boolean>} whether it was taken
   */
  async act(action, value = {}) {
    const reply = await this.#call({ action, value, annotator: "" });
    if (!reply?.ok) {
      this.#tell(PLACES[action] || "in", reply?.error || UNREACHABLE);
      return false;
    }

    for (const [name, html] of Object.entries(reply.regions)) this.#show(name, html);
    if (action !== "look" && action !== "job") this.#answer(reply);
    this.#follow(reply.job);
    return true;
  }

  /**
   * Say what became of what somebody did, and show the job that it began.
   * @param {DataHtml} reply
   */
  #answer({ job, message }) {
    for (const problem of findAll(this.#element, "[data-problem]")) setText(problem, "");
    setText(find(this.#element, ".data-message"), message);
    if (!job || !UNDER_WAY.includes(job.state)) return;
    // The button may stand far below, or be gone with what was previewed.
    const begun = findAll(this.#element, "[data-region]").find(({ dataset, innerHTML }) => dataset.region?.startsWith("job-") && innerHTML);
    begun?.scrollIntoView({ block: "nearest" });
  }

  /**
   * Send files to the machine that Palate runs on, and preview them there.
   * @param {File[]} files
   */
  async take(files) {
    if (!files.length || this.#sending) return;
    const bar = find(this.#element, ".data-sending");
    this.#sending = new AbortController();
    bar.hidden = false;
    try {
      const sent = await this.#send(files, this.#sending.signal, (share, told) => {
        /** @type {HTMLProgressElement} */ (find(bar, "progress")).value = share;
        setText(find(bar, "span"), told);
      });
      await this.act("uploaded", { files: sent });
    } catch (error) {
      if (!this.#sending.signal.aborted) this.#tell("in", error instanceof Error ? error.message : String(error));
    } finally {
      this.#sending = null;
      bar.hidden = true;
    }
  }

  /** @param {HTMLElement} zone */
  #takeDrops(zone) {
    for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
      zone.addEventListener(type, (event) => {
        const { dataTransfer } = /** @type {DragEvent} */ (event);
        event.preventDefault();
        zone.toggleAttribute("data-over", type === "dragenter" || type === "dragover");
        if (type === "drop" && dataTransfer) filesOf(dataTransfer).then((files) => this.take(files));
      });
    }
  }

  /** @param {Event} event */
  #submitted(event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const action = form.dataset.form || "";
    const value = this.#valueOf(form);
    if (action === "preview" && value.path === undefined) this.#previewAgain(value);
    else if (action === "import") this.act("import", { ...this.#previewed(), mapping: this.#mapping(), ...value });
    else this.act(action, { ...this.#rowOf(form), ...value });
  }

  /** @param {Event} event */
  #clicked(event) {
    const button = closest(event, "button");
    if (!button) return;
    const { act, ask, choose, keep, stopSending, path } = button.dataset;
    if (choose) find(this.#element, `[data-files=${choose}]`).click();
    else if (stopSending !== undefined) this.#sending?.abort();
    else if (ask) this.#ask(find(/** @type {HTMLElement} */ (button.parentNode), `[data-asks=${ask}]`), true);
    else if (keep !== undefined) this.#ask(/** @type {HTMLElement} */ (button.closest("[data-asks]")), false);
    else if (act) this.act(act, { ...this.#rowOf(button), ...(path ? { path } : {}) });
  }

  /** @param {Event} event */
  #changed(event) {
    const field = /** @type {HTMLInputElement} */ (event.target);
    const { change } = field.dataset;
    if (field.dataset.files) {
      this.take([...(field.files || [])]);
      field.value = "";
    } else if (change) {
      const value = change === "used" ? field.checked : Number(field.value);
      this.act("change", { ...this.#rowOf(field), [change]: value });
    } else if (field.dataset.layoutChoice !== undefined) this.#previewAgain({ layout: field.value });
    else if (closest(event, ".data-mapping")) this.#offerAgain();
  }

  /**
   * Preview the same files in another layout, whose columns are guessed, or with other columns.
   * @param {Value} chosen
   */
  #previewAgain({ layout, ...mapping }) {
    this.act("preview", { ...this.#previewed(), layout, mapping });
  }

  /** Offer a preview with other columns; what was previewed with those before cannot be brought in. */
  #offerAgain() {
    find(this.#element, "[data-again]").hidden = false;
    /** @type {HTMLButtonElement} */ (find(this.#element, "[data-form=import] [type=submit]")).disabled = true;
  }

  /**
   * Ask about a row in its place, or stop asking.
   * @param {HTMLElement} asks
   * @param {boolean} shown
   */
  #ask(asks, shown) {
    const button = find(/** @type {HTMLElement} */ (asks.parentNode), `[data-ask=${asks.dataset.asks}]`);
    asks.hidden = !shown;
    button.hidden = shown;
    (shown ? find(asks, "input, button") : button).focus();
  }

  /**
   * @param {HTMLFormElement} form
   * @returns {Value}
   */
  #valueOf(form) {
    /** @type {Value} */
    const value = {};
    for (const field of findAll(form, "input[name], select[name]")) {
      const { type, checked, value: text } = /** @type {HTMLInputElement} */ (field);
      const name = field.getAttribute("name") || "";
      if (type === "checkbox") value[name] = Boolean(checked);
      else if (type !== "radio" || checked) value[name] = text.trim();
    }
    return value;
  }

  /** What the preview on the page is of. */
  #previewed() {
    const { path = "", layout = "" } = find(this.#element, ".data-preview").dataset;
    return { path, layout };
  }

  #mapping() {
    const form = this.#element.querySelector(".data-mapping");
    if (!(form instanceof HTMLElement)) return {};
    const { layout: _, ...mapping } = this.#valueOf(/** @type {HTMLFormElement} */ (form));
    return mapping;
  }

  /** @param {HTMLElement} inside */
  #rowOf(inside) {
    const row = /** @type {HTMLElement | null} */ (inside.closest("[data-source]"));
    return row ? { source: row.dataset.source || "" } : {};
  }

  /**
   * @param {string} name
   * @param {string} html
   */
  #show(name, html) {
    const region = find(this.#element, `[data-region=${name}]`);
    // What stays as it is keeps its focus, and what somebody is typing.
    if (region.dataset.shown === html) return;
    region.dataset.shown = html;
    region.innerHTML = html;
  }

  /**
   * Look at a job again while it goes on, and at everything once it is over.
   * @param {DataHtml["job"]} job
   */
  #follow(job) {
    clearTimeout(this.#timer);
    const goesOn = Boolean(job && UNDER_WAY.includes(job.state));
    if (goesOn) this.#timer = setTimeout(() => this.#element.isConnected && this.act("job"), LOOK_MS);
    else if (this.#isBusy) this.act("look");
    this.#isBusy = goesOn;
  }

  /**
   * @param {string} place
   * @param {string} sentence
   */
  #tell(place, sentence) {
    setText(find(this.#element, `[data-problem=${place}]`), sentence);
  }
}
