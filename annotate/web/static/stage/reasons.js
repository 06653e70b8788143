// Annotations of the last vote: that it was clear, and the reasons why the other image lost.

const CHOICES = ["left", "right"];

function makeAnnotations({ element, keys, send }) {
  const row = element.querySelector(".annotations");
  const annotations = {};
  let last = null;
  let names = "";

  const reasonOf = (action) => keys.reasons[Number(action.slice("reason-".length))]?.name;
  const nameOf = ({ dataset }) => (dataset.action === "clear" ? "" : reasonOf(dataset.action));

  function chip(act, key, text) {
    const button = document.createElement("button");
    const kbd = document.createElement("kbd");
    kbd.textContent = glyphOf(key);
    button.type = "button";
    button.className = "chip";
    button.dataset.action = act;
    button.append(...(key ? [kbd] : []), text);
    return button;
  }

  function render() {
    const reasons = keys.reasons.map(({ key, name }, i) => chip(`reason-${i}`, key, name));
    row.replaceChildren(
      chip("clear", keys.of("clear"), "Clearly better"),
      ...(reasons.length ? ["The other one:", ...reasons] : []),
    );
    update();
  }

  function update() {
    row.toggleAttribute("data-idle", !last);
    for (const button of row.querySelectorAll("button")) {
      button.disabled = !last;
      button.setAttribute("aria-pressed", String(Boolean(last && last.pressed.has(nameOf(button)))));
    }
  }

  // Sets the reasons of the project and assigns their keys.
  annotations.setReasons = (reasons) => {
    if (names === reasons.join("\n") && row.children.length) return;
    names = reasons.join("\n");
    keys.assignReasonKeys(reasons);
    render();
  };
  annotations.redraw = () => {
    keys.assignReasonKeys(names ? names.split("\n") : []);
    render();
  };

  // Sets the vote that annotations are about; only left and right votes have any.
  annotations.setVote = (event) => {
    last = event && CHOICES.includes(event.verdict) ? { key: event.key, pressed: new Set() } : null;
  };
  annotations.forget = (key) => last && last.key === key && (annotations.setVote(null), update());
  annotations.show = update;

  annotations.toggle = (action) => {
    const name = action === "clear" ? "" : reasonOf(action);
    if (!last || name === undefined) return false;
    const pressed = last.pressed.has(name);
    if (pressed) last.pressed.delete(name);
    else last.pressed.add(name);
    const [remark, value] = action === "clear" ? ["strength", "2"] : ["reason", "on"];
    send({ of: last.key, remark, name, value: pressed ? "" : value });
    update();
    return true;
  };

  // Undoes an annotation: its earlier value counts again.
  annotations.takeBack = (of, name) => {
    if (!last || last.key !== of) return;
    if (!last.pressed.delete(name)) last.pressed.add(name);
    update();
  };
  return annotations;
}
