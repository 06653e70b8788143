// The labeling stage: shows a pair, takes a verdict, shows the next pair in the following frame.

const NAME_KEY = "palate-annotator";
const TAB_KEY = "palate-tab";
const ACKED_KEY = "palate-acked";
const TRIAL_KEY = "palate-trial";
const FOUR_KEY = "palate-four";
const HISTORY = 400;
const PULSE_MS = 2500;
const QUIET_PULSE_MS = 15000;

async function startStage() {
  const view = makeView(element);
  const outbox = await openOutbox();
  const root = pageRoot();
  const keys = makeKeys();
  const closer = makeCloser(element);
  const person = await signedIn(root);
  keepOwn(outbox, person);
  const state = { current: null, best: null, asking: null, history: [], stats: null, every: 0,
    retreat: null, criteria: [] };
  let annotator = (person && person.name) || recall("localStorage", NAME_KEY) || `guest-${makeKey().slice(0, 4)}`;
  let trial = recall("sessionStorage", TRIAL_KEY) || "";
  let four = !trial && recall("sessionStorage", FOUR_KEY) === "on";
  let acked = Number(recall("sessionStorage", ACKED_KEY)) || 0;

  // ---- what is where -------------------------------------------------------------------
  const openActs = () => {
    const undone = new Set(outbox.events.map((event) => event.kind === "undo" && event.of));
    return outbox.events.filter((event) => event.pair && !undone.has(event.key));
  };
  const taken = () => {
    const unsent = openActs().map((event) => event.pair.pair_id);
    return state.current ? [state.current.pair.pair_id, ...unsent] : unsent;
  };

  const supply = makeSupply({
    fetchPairs: (wish) => server.stage_pairs({ annotator, trial, four, ...wish }),
    resolve: (url) => new URL(url, root).href,
    taken,
    onChange: refresh,
  });
  const sender = makeSender({
    outbox, onSent, onRefused, onChange: refresh, send: (event) => server.stage_send(event),
  });
  const marks = makeMarks({ element, keys, send: mark });
  const who = () => annotator;
  const judge = makeJudge({ state, outbox, view, marks, show, record, past, afterwards, who,
    plain: () => !trial, next: () => supply.take(), counted: () => sitting.bump(1) });
  const undoing = makeUndo({ state, outbox, view, marks, supply, judge, show, refresh, afterwards, who,
    uncounted: () => sitting.bump(-1) });
  const sitting = makeSitting({
    element,
    call: (wish) => ask((whole) => server.stage_sitting(whole), { annotator, ...wish }),
    onPaused: startOver,
  });

  function refresh() {
    if (!state.current && !state.retreat && !sitting.paused()) {
      const next = supply.take();
      if (next) show(next);
    }
    if (!state.current) explainWait();
    view.counts({
      votes: state.stats && state.stats.votes,
      acked,
      ready: supply.ready(),
      unsent: outbox.events.length,
      error: sender.error,
      durable: outbox.durable,
    });
    if (state.stats) view.progress(state.every, state.stats.until_next_run, state.stats.decisive);
  }

  function show(item, pressedAt) {
    closer.reset();
    Object.assign(state, { current: item, best: null, asking: null });
    view.show(item, pressedAt);
  }

  function explainWait() {
    if (sitting.paused()) return view.showEmpty("Paused", "Your pairs are for others meanwhile.", { paused: true });
    if (!supply.reachable) {
      const kept = outbox.events.length ? " Your votes are kept here and will be sent." : "";
      const title = supply.reason ? "No pair just now" : "Palate is not answering";
      return view.showEmpty(title, `${supply.reason || "Trying again every second."}${kept}`);
    }
    if (supply.waiting.length) return view.showEmpty("Loading the images", "");
    if (state.model && state.model.state === "failed") {
      const { detail, advice } = state.model;
      return view.showEmpty("The image model cannot be used", `${detail} ${advice}`, { failed: true });
    }
    const left = Math.ceil((supply.readyAt - Date.now()) / 1000);
    const soon = state.model && state.model.state === "loading" ? "A large one takes minutes." : "Any moment now.";
    const wait = left > 1 ? `About ${plural(left, "second")} to go.` : soon;
    return view.showEmpty(supply.reason || "Looking for a pair", supply.reason ? wait : "");
  }

  // ---- the server's answers ------------------------------------------------------------
  function onSent(event, reply) {
    acked += 1;
    remember("sessionStorage", ACKED_KEY, acked);
    const { votes, until_next_run } = reply;
    if (state.stats) Object.assign(state.stats, { votes, until_next_run });
    if (reply.pause) showPause(reply.pause);
    if (event.kind === "undo") undoing.answered(event, reply);
  }

  function onRefused(event, error) {
    state.history = state.history.filter((past) => past.key !== event.key);
    if (state.retreat === event.key) state.retreat = null;
    marks.forget(event.key);
    view.note(error, "problem");
  }

  // ---- what the person does ------------------------------------------------------------
  // Notes an event for the server; whatever changes on the page comes after it.
  function record(event) {
    const whole = { key: makeKey(), annotator, ...event };
    Promise.resolve(outbox.add(whole)).then(sender.drain);
    return whole;
  }

  function past(act) {
    state.history = [...state.history, act].slice(-HISTORY);
  }

  function mark(remark) {
    const { key } = record({ kind: "remark", ...remark });
    past({ key, kind: remark.remark, of: remark.of, name: remark.name });
  }

  function afterwards() {
    refresh();
    sender.drain();
    if (!sitting.paused()) supply.refill();
  }

  function act(action, pressedAt) {
    if (action === "close" && four && !view.covered()) return turnFour();
    if (action === "close") return closer.reset(), sitting.shown() ? sitting.close() : view.closeHelp();
    if (action.startsWith("sitting")) return sitting.act(action);
    if (action === "help") return view.toggleHelp(keys);
    if (action === "keys-reset") return keys.reset(), marks.redraw(), view.keys(keys);
    if (action === "retry") return retryModel();
    if (action === "leave") return enter("");
    if (action === "verdict") return document.getElementById("verdict-tab-button").click();
    if (view.covered()) return undefined;
    if (action === "four") return turnFour();
    if (action === "undo") return undoing.undo(pressedAt);
    if (action === "clear" || action.startsWith("reason-")) return marks.act(action);
    if (!state.current) return undefined;
    if (VERDICTS.includes(action)) return judge.vote(action, pressedAt);
    if (action.startsWith("place-")) return judge.place(Number(action.slice(6)), pressedAt);
    if (state.current.pair.urls) return undefined;
    if (action === "report") return judge.report(pressedAt);
    return { difference: closer.difference, pixels: closer.pixels, full: closer.full,
      unzoom: closer.reset }[action]?.();
  }

  async function retryModel() {
    const reply = await ask(server.stage_retry, {});
    if (reply && reply.ok) state.model = reply.sampler;
    else view.note((reply && reply.error) || "The server is not answering.", "problem");
    supply.refill();
    refresh();
  }

  // ---- who, and what for ------------------------------------------------------------------
  function rename() {
    const wanted = view.name.value.replace(/[^\P{C}]/gu, "").trim().slice(0, 64);
    view.name.value = wanted || annotator;
    if (!wanted || wanted === annotator) return;
    annotator = wanted;
    remember("localStorage", NAME_KEY, annotator);
    startOver();
    tell();
  }

  // Other pairs from now on; the old ones go back to whoever wants them.
  function startOver() {
    Object.assign(state, { history: [], current: null, asking: null });
    marks.about(null);
    marks.show();
    supply.empty();
    afterwards();
  }

  function turnFour() {
    if (trial) return view.note("A blind test shows two at a time.");
    four = !four;
    remember("sessionStorage", FOUR_KEY, four ? "on" : "");
    view.mode(four);
    return startOver();
  }

  // Take part in a blind test, or with "" in none.
  function enter(wanted) {
    if (wanted === trial) return;
    trial = wanted;
    four = four && !trial;
    remember("sessionStorage", TRIAL_KEY, trial);
    view.mode(four);
    view.trial(trial ? { trial } : null);
    startOver();
    tell();
  }

  function onTrial(event) {
    if (!element.isConnected) return document.removeEventListener("palate-trial", onTrial);
    enter(event.detail);
    return document.getElementById("label-tab-button").click();
  }

  // ---- what the app is doing -----------------------------------------------------------
  // A page calls the stage by a number; another Palate at this address may know no stage by it.
  async function unheard() {
    const health = fetch(new URL("health", root), { signal: AbortSignal.timeout(PULSE_MS) });
    return (await health.then((reply) => reply.ok, () => false))
      ? "Palate answers, but not to this page. If that goes on, reload it."
      : "The server is not answering. Trying again.";
  }

  async function tell() {
    const asked = `${trial} ${annotator}`;
    const reply = await ask((wish) => server.stage_pulse(wish), { annotator, trial });
    if (asked !== `${trial} ${annotator}`) return;
    const standing = reply && reply.ok ? reply.trial : null;
    if (reply && reply.ok) view.trial(standing);
    if (trial && ((standing && standing.state === "ended") || (reply && reply.retry === false))) {
      view.note((standing && standing.note) || "This blind test has ended.", "problem");
      enter("");
    }
    if (reply && reply.ok) {
      const model = reply.activity.sampler || null;
      Object.assign(state, { stats: reply.stats, every: reply.train_every, model });
      state.criteria = reply.project.criteria;
      marks.offer(reply.project.reasons);
      if (!outbox.events.length) sitting.take(reply.sitting);
      view.status(reply.activity.message, "calm");
    } else {
      view.status((reply && reply.error) || (await unheard()), "problem");
    }
    refresh();
  }

  async function pulse() {
    if (!element.isConnected) return;
    await tell();
    setTimeout(pulse, document.hidden ? QUIET_PULSE_MS : PULSE_MS);
  }

  document.addEventListener("palate-trial", onTrial);
  const layout = () => (state.current && state.current.pair.urls ? "four" : "two");
  listenToHands({ element, keys, view, closer, act, layout });
  view.name.value = annotator;
  view.name.readOnly = Boolean(person);
  showPerson(person);
  watchPerson(element, root, person);
  view.name.addEventListener("change", rename);
  view.name.addEventListener("keydown", (event) => event.key === "Enter" && view.stage.focus());
  remember("localStorage", NAME_KEY, annotator);
  view.mode(four);
  view.keys(keys);
  marks.redraw();
  // Votes that a reload left unsent can still be taken back.
  for (const event of openActs().filter((act) => act.annotator === annotator)) {
    past({ key: event.key, kind: event.kind, item: supply.prepare(event.pair) });
  }
  if (document.activeElement === document.body) view.stage.focus({ preventScroll: true });
  restoreTab();
  afterwards();
  pulse();
  setInterval(() => element.isConnected && !state.current && refresh(), 1000);
}

function restoreTab() {
  document.addEventListener("click", (event) => {
    const tab = event.target instanceof Element && event.target.closest('[role="tab"]');
    if (tab && tab.id) remember("sessionStorage", TAB_KEY, tab.id);
  });
  const tab = document.getElementById(recall("sessionStorage", TAB_KEY) || "");
  if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
}

startStage();
