// The labeling stage: shows a pair, records the vote, and shows the next pair in the following frame.

const NAME_KEY = "palate-annotator";
const TAB_KEY = "palate-tab";
const ACKED_KEY = "palate-acked";
const TRIAL_KEY = "palate-trial";
const FOUR_KEY = "palate-four";
const MAX_HISTORY = 400;
const STATUS_EVERY_MS = 2500;
const HIDDEN_STATUS_EVERY_MS = 15000;

async function startStage() {
  const view = makeView(element);
  const outbox = await openOutbox();
  const root = pageRoot();
  const keys = makeKeys();
  const magnifier = makeMagnifier(element);
  const person = await fetchAccount(root);
  keepOwnEvents(outbox, person);
  const state = { current: null, best: null, asking: null, history: [], stats: null, every: 0,
    pendingUndo: null, criteria: [] };
  let annotator = (person && person.name) || recall("localStorage", NAME_KEY) || `guest-${makeKey().slice(0, 4)}`;
  let trial = recall("sessionStorage", TRIAL_KEY) || "";
  let four = !trial && recall("sessionStorage", FOUR_KEY) === "on";
  let acked = Number(recall("sessionStorage", ACKED_KEY)) || 0;

  // ---- parts ---------------------------------------------------------------------------
  // Unsent votes, rankings and flags, without those that an unsent undo takes back.
  const unsentVotes = () => {
    const undone = new Set(outbox.events.map((event) => event.kind === "undo" && event.of));
    return outbox.events.filter((event) => event.pair && !undone.has(event.key));
  };
  const openPairIds = () => {
    const unsent = unsentVotes().map((event) => event.pair.pair_id);
    return state.current ? [state.current.pair.pair_id, ...unsent] : unsent;
  };

  const prefetcher = makePrefetcher({
    fetchPairs: (request) => server.stage_pairs({ annotator, trial, four, ...request }),
    resolve: (url) => new URL(url, root).href,
    openPairIds,
    onChange: refresh,
  });
  const sender = makeSender({
    outbox, onSent, onRefused, onChange: refresh, send: (event) => server.stage_send(event),
  });
  const annotations = makeAnnotations({ element, keys, send: annotate });
  const annotatorName = () => annotator;
  const voting = makeVoting({ state, outbox, view, annotations, show, record, addToHistory, refreshAndSend, annotatorName,
    isLabeling: () => !trial, next: () => prefetcher.take(), onCounted: () => session.add(1) });
  const undoer = makeUndo({ state, outbox, view, annotations, prefetcher, voting, show, refresh, refreshAndSend, annotatorName,
    onUncounted: () => session.add(-1) });
  const session = makeSession({
    element,
    call: (request) => callServer((complete) => server.stage_session(complete), { annotator, ...request }),
    onPaused: startOver,
  });

  function refresh() {
    if (!state.current && !state.pendingUndo && !session.paused()) {
      const next = prefetcher.take();
      if (next) show(next);
    }
    if (!state.current) explainWait();
    view.counts({
      votes: state.stats && state.stats.votes,
      acked,
      ready: prefetcher.ready(),
      unsent: outbox.events.length,
      error: sender.error,
      durable: outbox.durable,
    });
    if (state.stats) view.progress(state.every, state.stats.until_next_run, state.stats.decisive);
  }

  function show(item, pressedAt) {
    magnifier.reset();
    Object.assign(state, { current: item, best: null, asking: null });
    view.show(item, pressedAt);
  }

  function explainWait() {
    if (session.paused()) return view.showEmpty("Paused", "Others get your pairs meanwhile.", { paused: true });
    if (!prefetcher.reachable) {
      const kept = outbox.events.length ? " Your votes are kept here and will be sent." : "";
      const title = prefetcher.reason ? "No pair just now" : "Palate is not answering";
      return view.showEmpty(title, `${prefetcher.reason || "Trying again every second."}${kept}`);
    }
    if (prefetcher.waiting.length) return view.showEmpty("Loading the images", "");
    if (state.model && state.model.state === "failed") {
      const { detail, advice } = state.model;
      return view.showEmpty("The image model cannot be used", `${detail} ${advice}`, { failed: true });
    }
    const left = Math.ceil((prefetcher.readyAt - Date.now()) / 1000);
    const soon = state.model && state.model.state === "loading" ? "A large model takes minutes." : "Any moment now.";
    const wait = left > 1 ? `About ${plural(left, "second")} to go.` : soon;
    return view.showEmpty(prefetcher.reason || "Waiting for a pair", prefetcher.reason ? wait : "");
  }

  // ---- the server's answers ------------------------------------------------------------
  function onSent(event, reply) {
    acked += 1;
    remember("sessionStorage", ACKED_KEY, acked);
    const { votes, until_next_run } = reply;
    if (state.stats) Object.assign(state.stats, { votes, until_next_run });
    if (reply.pace_hint) showPaceHint(reply.pace_hint);
    if (event.kind === "undo") undoer.answered(event, reply);
  }

  function onRefused(event, error) {
    state.history = state.history.filter((entry) => entry.key !== event.key);
    if (state.pendingUndo === event.key) state.pendingUndo = null;
    annotations.forget(event.key);
    view.note(error, "problem");
  }

  // ---- what the person does ------------------------------------------------------------
  // Puts an event into the outbox before anything on the page changes.
  function record(event) {
    const complete = { key: makeKey(), annotator, ...event };
    Promise.resolve(outbox.add(complete)).then(sender.drain);
    return complete;
  }

  function addToHistory(entry) {
    state.history = [...state.history, entry].slice(-MAX_HISTORY);
  }

  function annotate(remark) {
    const { key } = record({ kind: "remark", ...remark });
    addToHistory({ key, kind: remark.remark, of: remark.of, name: remark.name });
  }

  function refreshAndSend() {
    refresh();
    sender.drain();
    if (!session.paused()) prefetcher.refill();
  }

  function perform(action, pressedAt) {
    if (action === "close" && four && !view.covered()) return toggleFour();
    if (action === "close") return magnifier.reset(), session.shown() ? session.close() : view.closeHelp();
    if (action.startsWith("session")) return session.perform(action);
    if (action === "help") return view.toggleHelp(keys);
    if (action === "keys-reset") return keys.reset(), annotations.redraw(), view.keys(keys);
    if (action === "retry") return retryModel();
    if (action === "leave") return setBlindTest("");
    if (action === "blind-test") return document.getElementById("blind-test-tab-button").click();

    // Below: actions that a card over the stage blocks.
    if (view.covered()) return undefined;
    if (action === "four") return toggleFour();
    if (action === "undo") return undoer.undo(pressedAt);
    if (action === "clear" || action.startsWith("reason-")) return annotations.toggle(action);

    // Below: actions on the images that are shown.
    if (!state.current) return undefined;
    if (VERDICTS.includes(action)) return voting.vote(action, pressedAt);
    if (action.startsWith("place-")) return voting.rank(Number(action.slice(6)), pressedAt);
    if (state.current.pair.urls) return undefined;
    if (action === "report") return voting.flag(pressedAt);
    return { difference: magnifier.difference, pixels: magnifier.pixels, full: magnifier.full,
      unzoom: magnifier.reset }[action]?.();
  }

  async function retryModel() {
    const reply = await callServer(server.stage_retry_model, {});
    if (reply && reply.ok) state.model = reply.sampler;
    else view.note((reply && reply.error) || "The server is not answering.", "problem");
    prefetcher.refill();
    refresh();
  }

  // ---- annotator and mode -----------------------------------------------------------------
  function changeName() {
    const chosen = view.name.value.replace(/[^\P{C}]/gu, "").trim().slice(0, 64);
    view.name.value = chosen || annotator;
    if (!chosen || chosen === annotator) return;
    annotator = chosen;
    remember("localStorage", NAME_KEY, annotator);
    startOver();
    updateStatus();
  }

  // Drops the fetched pairs, which go to others, and fetches new ones.
  function startOver() {
    Object.assign(state, { history: [], current: null, asking: null });
    annotations.setVote(null);
    annotations.show();
    prefetcher.empty();
    refreshAndSend();
  }

  function toggleFour() {
    if (trial) return view.note("A blind test shows two at a time.");
    four = !four;
    remember("sessionStorage", FOUR_KEY, four ? "on" : "");
    view.mode(four);
    return startOver();
  }

  // Joins a blind test, or with "" leaves it.
  function setBlindTest(chosen) {
    if (chosen === trial) return;
    trial = chosen;
    four = four && !trial;
    remember("sessionStorage", TRIAL_KEY, trial);
    view.mode(four);
    view.blindTest(trial ? { trial } : null);
    startOver();
    updateStatus();
  }

  function onBlindTest(event) {
    if (!element.isConnected) return document.removeEventListener("palate-trial", onBlindTest);
    setBlindTest(event.detail);
    return document.getElementById("label-tab-button").click();
  }

  // ---- status of the app ---------------------------------------------------------------
  // A page calls the stage by its component number, which another Palate at this address may not know.
  async function describeOutage() {
    const health = fetch(new URL("health", root), { signal: AbortSignal.timeout(STATUS_EVERY_MS) });
    return (await health.then((reply) => reply.ok, () => false))
      ? "Palate answers, but not to this page. If that goes on, reload it."
      : "The server is not answering. Trying again.";
  }

  async function updateStatus() {
    const requested = `${trial} ${annotator}`;
    const reply = await callServer((request) => server.stage_status(request), { annotator, trial });
    // The annotator or the blind test changed while the answer was on its way.
    if (requested !== `${trial} ${annotator}`) return;

    const progress = reply && reply.ok ? reply.trial : null;
    if (reply && reply.ok) view.blindTest(progress);
    if (trial && ((progress && progress.state === "ended") || (reply && reply.retry === false))) {
      view.note((progress && progress.note) || "This blind test has ended.", "problem");
      setBlindTest("");
    }

    if (reply && reply.ok) {
      const model = reply.activity.sampler || null;
      Object.assign(state, { stats: reply.stats, every: reply.train_every, model });
      state.criteria = reply.project.criteria;
      annotations.setReasons(reply.project.reasons);
      // With unsent votes the page's own count is ahead of the server's.
      if (!outbox.events.length) session.take(reply.session);
      view.status(reply.activity.message, "calm");
    } else {
      view.status((reply && reply.error) || (await describeOutage()), "problem");
    }
    refresh();
  }

  async function pollStatus() {
    if (!element.isConnected) return;
    await updateStatus();
    setTimeout(pollStatus, document.hidden ? HIDDEN_STATUS_EVERY_MS : STATUS_EVERY_MS);
  }

  document.addEventListener("palate-trial", onBlindTest);
  const layout = () => (state.current && state.current.pair.urls ? "four" : "two");
  listenToInput({ element, keys, view, magnifier, perform, layout });
  view.name.value = annotator;
  view.name.readOnly = Boolean(person);
  showAccount(person);
  watchAccount(element, root, person);
  view.name.addEventListener("change", changeName);
  view.name.addEventListener("keydown", (event) => event.key === "Enter" && view.stage.focus());
  remember("localStorage", NAME_KEY, annotator);
  view.mode(four);
  view.keys(keys);
  annotations.redraw();
  // Votes that were unsent at a reload can still be undone.
  for (const event of unsentVotes().filter((event) => event.annotator === annotator)) {
    addToHistory({ key: event.key, kind: event.kind, item: prefetcher.prepare(event.pair) });
  }
  if (document.activeElement === document.body) view.stage.focus({ preventScroll: true });
  restoreTab();
  refreshAndSend();
  pollStatus();
  // Counts down the seconds of a wait.
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
