// What a person says of what is shown: a verdict, an answer by a criterion, a ranking, a report.
// Whatever it is goes into the history, so that it can be taken back, newest first.

const VERDICTS = ["left", "right", "tie", "both_good", "both_bad", "skip"];
const ANSWERS = ["left", "right", "tie", "skip"];

function makeJudge({ state, outbox, view, marks, show, record, past, afterwards, who, plain, next, counted }) {
  const since = (pressedAt) =>
    view.paintedAt ? Math.max(0, Math.round(pressedAt - view.paintedAt)) : null;

  function decide(event, said, pressedAt) {
    const { current: item } = state;
    const whole = { key: makeKey(), pair_id: item.pair.pair_id, annotator: who(),
      response_ms: since(pressedAt), pair: item.pair, ...event };
    const later = outbox.add(whole);
    if (later) return later.then(() => decided(whole, item, said, pressedAt));
    return decided(whole, item, said, pressedAt);
  }

  function decided(event, item, said, pressedAt) {
    past({ key: event.key, kind: event.kind, item });
    const criteria = event.kind === "vote" && event.verdict !== "skip" && plain() ? state.criteria : [];
    if (criteria.length) inquire(event.key, criteria);
    else advance(pressedAt);
    marks.about(plain() ? event : null);
    // The next pair is painted before anything else is shown.
    view.afterPaint(() => {
      if (event.kind !== "report") counted();
      marks.show();
      view.taken(said);
      afterwards();
    });
  }

  function advance(pressedAt) {
    state.current = null;
    const item = next();
    if (item) show(item, pressedAt);
  }

  // The project's criteria, one after the other, about the pair that was just voted on.
  function inquire(key, [name, ...rest]) {
    state.asking = { key, name, rest };
    view.question(`Which one by ${name}?`);
  }

  function answer(verdict, pressedAt) {
    const { key, name, rest } = state.asking;
    if (verdict !== "skip") {
      const said = record({ kind: "remark", of: key, remark: "criterion", name, value: verdict });
      past({ key: said.key, kind: "criterion", of: key, item: state.current, asked: [name, ...rest] });
    }
    if (rest.length) return inquire(key, rest);
    advance(pressedAt);
    return afterwards();
  }

  function place(index, pressedAt) {
    if (!state.current.pair.urls) return undefined;
    if (state.best === null || state.best === index) {
      state.best = state.best === null ? index : null;
      return view.best(state.best);
    }
    return decide({ kind: "ranking", best: state.best, worst: index }, "ranking", pressedAt);
  }

  function vote(verdict, pressedAt) {
    if (state.asking) return ANSWERS.includes(verdict) && answer(verdict, pressedAt);
    if (!state.current.pair.urls) return decide({ kind: "vote", verdict }, verdict, pressedAt);
    return verdict === "skip" && decide({ kind: "ranking", best: null, worst: null }, "skip", pressedAt);
  }

  const report = (pressedAt) => decide({ kind: "report", note: "" }, "report", pressedAt);
  return { vote, place, report, inquire };
}
