// A small page for tests: enough of the DOM for Palate's scripts, and nothing that they do not use.

import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";

const STATIC = new URL("../../../annotate/web/static/", import.meta.url);
const VOID_TAGS = ["input", "br", "img", "meta", "link"];
const REFLECTED = ["type", "title", "role", "href", "download", "src", "alt", "loading", "decoding", "min", "max"];
const camel = (name) => name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
const dashed = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);

/** An event as a person or the browser makes it. */
export class PageEvent {
  defaultPrevented = false;
  timeStamp = 1000;
  bubbles = true;

  constructor(type, fields = {}) {
    Object.assign(this, { type }, fields);
  }

  preventDefault() {
    this.defaultPrevented = true;
  }
}

class FakeTarget {
  #listeners = [];

  addEventListener(type, listener, options) {
    const capture = options === true || Boolean(options?.capture);
    const known = this.#listeners.some((each) =>
      each.type === type && each.listener === listener && each.capture === capture);
    if (!known) this.#listeners.push({ type, listener, capture });
  }

  removeEventListener(type, listener) {
    this.#listeners = this.#listeners.filter((each) => each.type !== type || each.listener !== listener);
  }

  /** Number of listeners, to see whether they go. */
  listenerCount(type) {
    return this.#listeners.filter((each) => each.type === type).length;
  }

  dispatchEvent(event) {
    if (!("target" in event) || event.target === null) Object.defineProperty(event, "target", { value: this });
    const path = [];
    for (let each = this; each; each = each.parentNode) path.push(each);
    for (const each of [...path].reverse()) each.hear(event, true);
    for (const each of path) each.hear(event, false);
    return !event.defaultPrevented;
  }

  hear(event, capture) {
    for (const each of this.#listeners.filter((each) => each.type === event.type && each.capture === capture)) {
      each.listener.call(this, event);
    }
  }
}

export class FakeNode extends FakeTarget {
  parentNode = null;
  childNodes = [];

  get isConnected() {
    let top = this;
    while (top.parentNode) top = top.parentNode;
    return top === globalThis.document;
  }

  get textContent() {
    return this.childNodes.map((child) => child.textContent).join("");
  }

  set textContent(text) {
    this.replaceChildren(...(text === null || text === "" ? [] : [String(text)]));
  }

  get children() {
    return this.childNodes.filter((child) => child instanceof FakeElement);
  }

  get firstChild() {
    return this.childNodes[0] ?? null;
  }

  append(...nodes) {
    for (const node of nodes) {
      const child = node instanceof FakeNode ? node : new FakeText(String(node));
      child.remove();
      child.parentNode = this;
      this.childNodes.push(child);
    }
  }

  prepend(...nodes) {
    const before = this.childNodes;
    this.childNodes = [];
    this.append(...nodes);
    this.childNodes.push(...before);
  }

  replaceChildren(...nodes) {
    for (const child of [...this.childNodes]) child.remove();
    this.append(...nodes);
  }

  remove() {
    if (this.parentNode) this.parentNode.childNodes = this.parentNode.childNodes.filter((each) => each !== this);
    this.parentNode = null;
  }

  contains(other) {
    for (let each = other; each; each = each.parentNode) if (each === this) return true;
    return false;
  }

  querySelectorAll(selector) {
    return this.children.flatMap((child) => [
      ...(child.matches(selector) ? [child] : []), ...child.querySelectorAll(selector)]);
  }

  querySelector(selector) {
    return this.querySelectorAll(selector)[0] ?? null;
  }
}

class FakeText extends FakeNode {
  constructor(text) {
    super();
    Object.defineProperty(this, "textContent", { value: text });
  }
}

export class FakeElement extends FakeNode {
  #attributes = new Map();
  #styles = new Map();
  style = { setProperty: (name, value) => this.#styles.set(name, value), getPropertyValue: (name) => this.#styles.get(name) ?? "" };
  dataset = new Proxy({}, {
    get: (_, name) => this.getAttribute(`data-${dashed(name)}`) ?? undefined,
    set: (_, name, value) => { this.setAttribute(`data-${dashed(name)}`, value); return true; },
  });
  classList = { toggle: (name, on) => this.#toggleClass(name, on), contains: (name) => this.#classes().includes(name) };
  value = "";
  disabled = false;
  readOnly = false;
  draggable = true;
  ariaLabel = null;
  naturalWidth = 0;
  naturalHeight = 0;
  /** Where the element lies on the screen; a test sets it. */
  box = { left: 0, top: 0, width: 100, height: 100 };
  /** What was done to the element that a page cannot read back. */
  calls = [];

  constructor(tag) {
    super();
    this.tagName = tag.toUpperCase();
    if (tag === "canvas") this.painted = [];
  }

  get id() { return this.getAttribute("id") ?? ""; }
  set id(id) { this.setAttribute("id", id); }
  get className() { return this.getAttribute("class") ?? ""; }
  set className(name) { this.setAttribute("class", name); }
  get hidden() { return this.hasAttribute("hidden"); }
  set hidden(hidden) { this.toggleAttribute("hidden", Boolean(hidden)); }
  get open() { return this.hasAttribute("open"); }
  set open(open) { this.toggleAttribute("open", open); }
  get clientWidth() { return this.box.width; }
  get offsetParent() { return this.isConnected ? this.parentNode : null; }
  get innerHTML() { return this.textContent; }
  set innerHTML(html) { this.replaceChildren(...parse(html)); }

  setAttribute(name, value) { this.#attributes.set(name, String(value)); }
  getAttribute(name) { return this.#attributes.get(name) ?? null; }
  hasAttribute(name) { return this.#attributes.has(name); }
  toggleAttribute(name, on = !this.hasAttribute(name)) {
    if (on) this.setAttribute(name, this.getAttribute(name) ?? "");
    else this.#attributes.delete(name);
  }

  matches(selector) { return selector.split(/,(?![^(]*\))/).some((each) => fits(this, each.trim())); }
  closest(selector) {
    for (let each = this; each instanceof FakeElement; each = each.parentNode) if (each.matches(selector)) return each;
    return null;
  }

  focus() {
    globalThis.document.activeElement = this;
    this.dispatchEvent(new PageEvent("focusin"));
  }
  blur() { globalThis.document.activeElement = globalThis.document.body; }
  click() { this.calls.push("click"); this.dispatchEvent(new PageEvent("click", { isTrusted: false })); }
  select() { this.calls.push("select"); }
  getBoundingClientRect() { return this.box; }
  setPointerCapture(id) { this.calls.push(`capture ${id}`); }
  scrollIntoView() { this.calls.push("scrollIntoView"); }
  animate() { this.calls.push("animate"); }
  requestFullscreen() { this.calls.push("requestFullscreen"); return Promise.resolve(); }
  decode() { return this.src.includes("broken") ? Promise.reject(new Error("broken")) : Promise.resolve(); }

  // ---- a canvas: what is painted is remembered, and pixels are those of the image's `pixels` ----
  getContext() { return new FakeContext(this); }
  toBlob(done) { done(this.width > 5000 ? null : new Blob([JSON.stringify(this.painted)])); }

  #classes() { return this.className.split(" ").filter(Boolean); }
  #toggleClass(name, on) {
    const others = this.#classes().filter((each) => each !== name);
    this.className = (on ? [...others, name] : others).join(" ");
  }
}
for (const name of REFLECTED) {
  Object.defineProperty(FakeElement.prototype, name, {
    get() { return this.getAttribute(name) ?? ""; },
    set(value) { this.setAttribute(name, value); },
  });
}

class FakeContext {
  constructor(canvas) { this.canvas = canvas; }
  // Bold letters are wider.
  measureText(text) { return { width: (this.font?.startsWith("600") ? 12 : 10) * text.length }; }
  fillRect(...at) { this.canvas.painted.push(["rect", ...at]); }
  fillText(text, x, y) { this.canvas.painted.push(["text", text, x, y, this.measureText(text).width]); }
  drawImage(image, ...at) {
    this.canvas.painted.push(["image", image.src, ...at]);
    this.canvas.pixels = image.pixels;
  }
  getImageData() { return { data: this.canvas.pixels }; }
  createImageData(width, height) { return { data: new Uint8ClampedArray(4 * width * height) }; }
  putImageData(map) { this.canvas.map = [...map.data]; }
}

// ---- selectors: tags, classes, ids, attributes, :not(), :focus-visible, descendants ---------------
function fits(element, selector) {
  const parts = selector.match(/(?:[^\s[(]|\[[^\]]*\]|\([^)]*\))+/g);
  if (!fitsOne(element, parts.pop())) return false;
  let above = element.parentNode;
  for (const part of parts.reverse()) {
    while (above instanceof FakeElement && !fitsOne(above, part)) above = above.parentNode;
    if (!(above instanceof FakeElement)) return false;
    above = above.parentNode;
  }
  return true;
}

function fitsOne(element, compound) {
  for (const [, tag, id, name, attribute, , quoted, not, pseudo] of compound.matchAll(
    /(?:^([\w-]+))|#([\w-]+)|\.([\w-]+)|\[([\w-]+)(?:(=)"?([^"\]]*)"?)?\]|:not\(([^)]*)\)|:([\w-]+)/g,
  )) {
    if (tag && element.tagName !== tag.toUpperCase()) return false;
    if (id && element.id !== id) return false;
    if (name && !element.classList.contains(name)) return false;
    if (attribute && !element.hasAttribute(attribute)) return false;
    if (attribute && quoted !== undefined && element.getAttribute(attribute) !== quoted) return false;
    if (not && fits(element, not)) return false;
    if (pseudo === "focus-visible" && !element.focusVisible) return false;
  }
  return true;
}

// ---- HTML as this repository writes it -------------------------------------------------------------
export function parse(html) {
  const top = new FakeElement("template");
  let at = top;
  for (const [, closing, tag, attributes, text] of html.matchAll(
    /<(\/?)([a-z][\w-]*)((?:\s+[\w-]+(?:="[^"]*")?)*)\s*\/?>|([^<]+)/g,
  )) {
    if (text !== undefined) {
      if (text.trim()) at.append(text.trim().replace(/\s+/g, " "));
    } else if (closing) {
      at = at.parentNode;
    } else {
      const element = new FakeElement(tag);
      for (const [, name, , value = ""] of attributes.matchAll(/([\w-]+)(="([^"]*)")?/g)) {
        element.setAttribute(name, value);
        if (name === "value") element.value = value;
      }
      at.append(element);
      if (!VOID_TAGS.includes(tag)) at = element;
    }
  }
  const nodes = [...top.childNodes];
  for (const node of nodes) node.remove();
  return nodes;
}

/** Return the text of a file that the page is made of. */
export const readStatic = (name) => readFileSync(new URL(name, STATIC), "utf-8");

class FakeStorage {
  getItem(key) { return Object.hasOwn(this, key) ? this[key] : null; }
  setItem(key, value) { this[key] = String(value); }
  removeItem(key) { delete this[key]; }
}

/** Set a global, also one that Node has already. */
export function define(name, value) {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
}

/** Make a new page with this HTML in its body, and return the element that the HTML makes. */
export function openPage(html = "<div></div>") {
  const document = new FakeNode();
  const root = new FakeElement("html");
  document.body = new FakeElement("body");
  root.append(document.body);
  document.append(root);
  Object.assign(document, {
    documentElement: root,
    activeElement: document.body,
    hidden: false,
    baseURI: "http://palate.test/",
    fullscreenElement: null,
    createElement: (tag) => new FakeElement(tag),
    getElementById: (id) => document.querySelector(`#${id || "-"}`),
    exitFullscreen() { document.fullscreenElement = null; },
    execCommand: () => true,
  });
  define("document", document);

  const window = Object.assign(new FakeTarget(), {
    devicePixelRatio: 1, innerHeight: 800, localStorage: new FakeStorage(), sessionStorage: new FakeStorage(),
  });
  define("window", window);
  define("localStorage", window.localStorage);
  define("sessionStorage", window.sessionStorage);
  define("location", { href: "http://palate.test/", hash: "", reloads: 0, reload() { this.reloads += 1; } });
  define("history", {
    replaceState(_, __, url) {
      location.href = String(url);
      location.hash = new URL(url).hash;
    },
  });
  define("navigator", { clipboard: { text: "", async writeText(text) { this.text = text; } } });
  define("matchMedia", () => ({ matches: false }));
  define("requestAnimationFrame", (done) => setTimeout(done, 0));
  define("MessageChannel", class {
    port1 = { close() {} };
    port2 = { postMessage: () => queueMicrotask(() => this.port1.onmessage()) };
  });
  define("Node", FakeNode);
  define("Element", FakeElement);
  define("HTMLElement", FakeElement);
  define("HTMLInputElement", FakeElement);
  define("Image", class extends FakeElement { constructor() { super("img"); } });
  define("CSS", { escape: (text) => text });
  define("CustomEvent", class extends PageEvent {});
  define("crypto", webcrypto);
  define("IntersectionObserver", FakeObserver);
  define("ResizeObserver", FakeObserver);
  FakeObserver.all = [];

  document.body.innerHTML = html;
  return document.body.children[0];
}

/** Observes when elements scroll into view; a test says when. */
export class FakeObserver {
  static all = [];
  observed = new Set();

  constructor(callback) {
    this.callback = callback;
    FakeObserver.all.push(this);
  }

  observe(element) { this.observed.add(element); }
  disconnect() { this.observed.clear(); }
  /** Let every observed element scroll into view. */
  show() {
    this.callback([...this.observed].map((target) => ({ isIntersecting: true, target })));
  }
}

/** Let an event happen to an element; return it. */
export function fire(element, type, fields = {}) {
  const event = new PageEvent(type, fields);
  element.dispatchEvent(event);
  return event;
}

/** Press a key on the page. */
export const press = (key, fields = {}) => fire(document.activeElement, "keydown", { key, code: "", ...fields });

/** An image of one color, as a browser has loaded it. */
export function imageOf(color, { width = 2, height = 1, src = "image" } = {}) {
  const image = new FakeElement("img");
  Object.assign(image, { naturalWidth: width, naturalHeight: height, src });
  image.pixels = Array.from({ length: width * height }, () => [...color, 255]).flat();
  return image;
}
