// What may be said of a vote after it: that it was a clear one, and why the other image lost.

const CHOICES = ["left", "right"];

function makeMarks({ element, keys, send }) {
  const row = element.querySelector(".after");
  const marks = {};
  let last = null;
  let names = "";

  const reasonOf = (action) => keys.reasons[Number(action.slice("reason-".length))]?.name;
  const nameOf = ({ dataset }) => (dataset.act === "clear" ? "" : reasonOf(dataset.act));

  function chip(act, key, text) {
    const button = document.createElement("button");
    const kbd = document.createElement("kbd");
    kbd.textContent = glyphOf(key);
    button.type = "button";
    button.className = "chip";
    button.dataset.act = act;
    button.append(...(key ? [kbd] : []), text);
    return button;
  }

  function draw() {
    const reasons = keys.reasons.map((one, i) => chip(`reason-${i}`, one.key, one.name));
    row.replaceChildren(
      chip("clear", keys.of("clear"), "Clearly better"),
      ...(reasons.length ? ["The other one:", ...reasons] : []),
    );
    tell();
  }

  function tell() {
    row.toggleAttribute("data-idle", !last);
    for (const button of row.querySelectorAll("button")) {
      button.disabled = !last;
      button.setAttribute("aria-pressed", String(Boolean(last && last.said.has(nameOf(button)))));
    }
  }

  // The reasons of the project; keys follow.
  marks.offer = (reasons) => {
    if (names === reasons.join("\n") && row.children.length) return;
    names = reasons.join("\n");
    keys.nameReasons(reasons);
    draw();
  };
  marks.redraw = () => {
    keys.nameReasons(names ? names.split("\n") : []);
    draw();
  };

  // The vote that remarks are about; only a choice between two has any.
  marks.about = (event) => {
    last = event && CHOICES.includes(event.verdict) ? { key: event.key, said: new Set() } : null;
  };
  marks.forget = (key) => last && last.key === key && (marks.about(null), tell());
  marks.show = tell;

  marks.act = (action) => {
    const name = action === "clear" ? "" : reasonOf(action);
    if (!last || name === undefined) return false;
    const taken = last.said.has(name);
    if (taken) last.said.delete(name);
    else last.said.add(name);
    const [remark, value] = action === "clear" ? ["strength", "2"] : ["reason", "on"];
    send({ of: last.key, remark, name, value: taken ? "" : value });
    tell();
    return true;
  };

  // A mark that was taken back: what was said before it counts again.
  marks.takeBack = (of, name) => {
    if (!last || last.key !== of) return;
    if (!last.said.delete(name)) last.said.add(name);
    tell();
  };
  return marks;
}
