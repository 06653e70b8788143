// Undo: at once for events of this page. Else the server answers, which also knows events of other
// devices and from before a reload.

const COUNTED_KINDS = ["vote", "ranking"];
const UNDO_MESSAGES = {
  vote: "Your vote is taken back. Choose again.",
  ranking: "Your ranking is taken back. Choose again.",
  report: "Your flag is taken back. The pair is shown again, as before.",
  strength: "It is a plain choice again.",
  reason: "The reason is taken back.",
  criterion: "The answer is taken back.",
};

function makeUndo({ state, outbox, view, annotations, prefetcher, voting, show, refresh, refreshAndSend, annotatorName,
  onUncounted }) {
  const shownId = () => state.current && state.current.pair.pair_id;

  async function undo(pressedAt) {
    const given = state.history.pop();
    const item = given && given.item;
    const opened = item ? { opened: item.pair.pair_id } : {};
    const event = { kind: "undo", key: makeKey(), of: given ? given.key : "", annotator: annotatorName(), ...opened };
    if (!given) state.pendingUndo = event.key;
    if (item || !given) {
      annotations.setVote(null);
      annotations.show();
    }

    await outbox.add(event);
    if (given) {
      if (item) await open(given, pressedAt);
      else annotations.takeBack(given.of, given.name);
      if (COUNTED_KINDS.includes(given.kind)) onUncounted();
      view.note(UNDO_MESSAGES[given.kind]);
    }
    refreshAndSend();
  }

  async function open({ kind, of, item, asked }, pressedAt) {
    if (item.broken || !item.images) await item.loaded;
    if (!item.images) return;
    if (state.current && shownId() !== item.pair.pair_id) prefetcher.putBack(state.current);
    show(item, pressedAt);
    if (kind === "criterion") voting.askCriterion(of, asked);
  }

  // The server decides which event was the last one.
  async function answered(event, { undone, opens, note, pair }) {
    const expected = undone.key === event.of;
    if (!expected || note !== UNDO_MESSAGES[undone.kind]) view.note(note);
    // The pair of a flag that stays is not shown again.
    const gone = expected ? undone.kind === "report" && !opens : true;
    if (gone && event.opened && event.opened === shownId()) {
      Object.assign(state, { current: null, asking: null });
    }
    if (!expected) {
      // There was a later event that this page does not know of, so its own history is no guide.
      state.history = [];
      if (opens || undone.kind === "criterion") await openAgain(undone, pair);
      else annotations.takeBack(undone.of, undone.name || "");
    }
    if (state.pendingUndo === event.key) state.pendingUndo = null;
    refresh();
  }

  async function openAgain({ kind, of, name }, pair) {
    const item = prefetcher.prepare(pair);
    await item.loaded;
    await open({ kind, of, item, asked: [name] });
  }

  return { undo, answered };
}
