// Elements of the page: those that must be there, and new ones.

/** Windows as narrow as a phone, for which phone.css is. */
export const PHONE = "(max-width: 640px)";

/**
 * Return the element that a selector names, which the page's own HTML always has.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function find(root, selector) {
  const found = root.querySelector(selector);
  if (!found) throw new Error(`The page has no ${selector}.`);
  return /** @type {HTMLElement} */ (found);
}

/**
 * Return all elements that a selector names.
 * @param {ParentNode} root
 * @param {string} selector
 * @returns {HTMLElement[]}
 */
export const findAll = (root, selector) => [...root.querySelectorAll(selector)].map(
  (found) => /** @type {HTMLElement} */ (found));

/**
 * Return the closest element around an event's target that a selector names.
 * @param {Event} event
 * @param {string} selector
 * @returns {HTMLElement | null}
 */
export const closest = ({ target }, selector) => /** @type {HTMLElement | null} */ (
  target instanceof Element ? target.closest(selector) : null);

/**
 * Set an element's text, unless it is there already: a live region would be read out again.
 * @param {HTMLElement} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Make an element; what is no property of it becomes an attribute.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, unknown>} properties
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function createElement(tag, properties = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in created) Object.assign(created, { [name]: value });
    else created.setAttribute(name, String(value));
  }
  created.append(...children);
  return created;
}
