// Voting: verdicts, answers by criterion, rankings and flags. Each goes into the history, so that it
// can be undone, newest first.

const VERDICTS = ["left", "right", "tie", "both_good", "both_bad", "skip"];
const CRITERION_ANSWERS = ["left", "right", "tie", "skip"];

function makeVoting({ state, outbox, view, annotations, show, record, addToHistory, refreshAndSend, annotatorName, isLabeling, next, onCounted }) {
  const responseMs = (pressedAt) =>
    view.paintedAt ? Math.max(0, Math.round(pressedAt - view.paintedAt)) : null;

  function submit(event, confirmation, pressedAt) {
    const { current: item } = state;
    const complete = { key: makeKey(), pair_id: item.pair.pair_id, annotator: annotatorName(),
      response_ms: responseMs(pressedAt), pair: item.pair, ...event };
    const stored = outbox.add(complete);
    if (stored) return stored.then(() => afterSubmit(complete, item, confirmation, pressedAt));
    return afterSubmit(complete, item, confirmation, pressedAt);
  }

  function afterSubmit(event, item, confirmation, pressedAt) {
    addToHistory({ key: event.key, kind: event.kind, item });
    const criteria = event.kind === "vote" && event.verdict !== "skip" && isLabeling() ? state.criteria : [];
    if (criteria.length) askCriterion(event.key, criteria);
    else advance(pressedAt);
    annotations.setVote(isLabeling() ? event : null);
    // The next pair is painted before anything else is shown.
    view.afterPaint(() => {
      if (event.kind !== "report") onCounted();
      annotations.show();
      view.confirm(confirmation);
      refreshAndSend();
    });
  }

  function advance(pressedAt) {
    state.current = null;
    const item = next();
    if (item) show(item, pressedAt);
  }

  // Asks for the project's criteria, one after the other, about the pair that was just voted on.
  function askCriterion(key, [name, ...rest]) {
    state.asking = { key, name, rest };
    view.question(`Which one by ${name}?`);
  }

  function answer(verdict, pressedAt) {
    const { key, name, rest } = state.asking;
    if (verdict !== "skip") {
      const recorded = record({ kind: "remark", of: key, remark: "criterion", name, value: verdict });
      addToHistory({ key: recorded.key, kind: "criterion", of: key, item: state.current, asked: [name, ...rest] });
    }
    if (rest.length) return askCriterion(key, rest);
    advance(pressedAt);
    return refreshAndSend();
  }

  function rank(index, pressedAt) {
    if (!state.current.pair.urls) return undefined;
    if (state.best === null || state.best === index) {
      state.best = state.best === null ? index : null;
      return view.best(state.best);
    }
    return submit({ kind: "ranking", best: state.best, worst: index }, "ranking", pressedAt);
  }

  function vote(verdict, pressedAt) {
    if (state.asking) return CRITERION_ANSWERS.includes(verdict) && answer(verdict, pressedAt);
    if (!state.current.pair.urls) return submit({ kind: "vote", verdict }, verdict, pressedAt);
    return verdict === "skip" && submit({ kind: "ranking", best: null, worst: null }, "skip", pressedAt);
  }

  const flag = (pressedAt) => submit({ kind: "report", note: "" }, "report", pressedAt);
  return { vote, rank, flag, askCriterion };
}
