// Takes back what was given last: at once where this page gave it, else as the server answers, which
// knows what was given on other devices and before a reload.

const COUNTED = ["vote", "ranking"];
const TAKEN_BACK = {
  vote: "Your vote is taken back. Choose again.",
  ranking: "Your ranking is taken back. Choose again.",
  report: "Your report is taken back. The pair is shown again, as before.",
  strength: "It is a plain choice again.",
  reason: "The reason is taken back.",
  criterion: "The answer is taken back.",
};

function makeUndo({ state, outbox, view, marks, supply, judge, show, refresh, afterwards, who,
  uncounted }) {
  const shownId = () => state.current && state.current.pair.pair_id;

  async function undo(pressedAt) {
    const given = state.history.pop();
    const item = given && given.item;
    const opened = item ? { opened: item.pair.pair_id } : {};
    const event = { kind: "undo", key: makeKey(), of: given ? given.key : "", annotator: who(), ...opened };
    if (!given) state.retreat = event.key;
    if (item || !given) {
      marks.about(null);
      marks.show();
    }
    await outbox.add(event);
    if (given) {
      if (item) await open(given, pressedAt);
      else marks.takeBack(given.of, given.name);
      if (COUNTED.includes(given.kind)) uncounted();
      view.note(TAKEN_BACK[given.kind]);
    }
    afterwards();
  }

  async function open({ kind, of, item, asked }, pressedAt) {
    if (item.broken || !item.images) await item.loaded;
    if (!item.images) return;
    if (state.current && shownId() !== item.pair.pair_id) supply.putBack(state.current);
    show(item, pressedAt);
    if (kind === "criterion") judge.inquire(of, asked);
  }

  // The server has the last word on what was given last.
  async function answered(event, { undone, opens, note, pair }) {
    const expected = undone.key === event.of;
    if (!expected || note !== TAKEN_BACK[undone.kind]) view.note(note);
    const gone = expected ? undone.kind === "report" && !opens : true;
    if (gone && event.opened && event.opened === shownId()) {
      Object.assign(state, { current: null, asking: null });
    }
    if (!expected) {
      // What else this page remembers was given before something that it does not know of.
      state.history = [];
      if (opens || undone.kind === "criterion") await openAgain(undone, pair);
      else marks.takeBack(undone.of, undone.name || "");
    }
    if (state.retreat === event.key) state.retreat = null;
    refresh();
  }

  async function openAgain({ kind, of, name }, pair) {
    const item = supply.prepare(pair);
    await item.loaded;
    await open({ kind, of, item, asked: [name] });
  }

  return { undo, answered };
}
