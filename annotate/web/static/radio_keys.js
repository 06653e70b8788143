// Arrow keys choose among radio buttons, as everywhere: Gradio gives each of them a name of its own,
// which makes each a group to the browser, where arrows do nothing.

const STEPS = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 });
const GROUP = "fieldset";

/** Listen to arrow keys on every radio button of the page. */
export function start() {
  document.addEventListener("keydown", (event) => {
    const [step, radio] = [STEPS[event.key], event.target];
    if (!step || !(radio instanceof HTMLInputElement) || radio.type !== "radio") return;
    const radios = [...(radio.closest(GROUP)?.querySelectorAll("input[type=radio]:not([disabled])") ?? [])];
    if (radios.length < 2) return;

    event.preventDefault();
    const next = radios[(radios.indexOf(radio) + step + radios.length) % radios.length];
    if (!(next instanceof HTMLInputElement)) return;
    next.focus();
    next.click();
  });
}
