// The labeling stage: shows a pair, takes a verdict, shows the next pair in the following frame.

const NAME_KEY = "palate-annotator";
const TAB_KEY = "palate-tab";
const ACKED_KEY = "palate-acked";
const TRIAL_KEY = "palate-trial";
const HISTORY = 40;
const PULSE_MS = 2500;
const QUIET_PULSE_MS = 15000;

const makeKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((b) => b.toString(16).padStart(2, "0")).join("");

function recall(storage, key) {
  try {
    return storage.getItem(key);
  } catch {
    return null;
  }
}

function remember(storage, key, value) {
  try {
    storage.setItem(key, value);
  } catch {
    // A browser that keeps nothing still labels.
  }
}

function pageRoot() {
  const root = (window.gradio_config && window.gradio_config.root) || document.baseURI;
  return new URL(root.endsWith("/") ? root : `${root}/`, document.baseURI);
}

async function startStage() {
  const view = makeView(element);
  const outbox = await openOutbox();
  const root = pageRoot();
  const state = { current: null, history: [], busy: false, stats: null, every: 0, retreat: null };
  let annotator = recall(localStorage, NAME_KEY) || `guest-${makeKey().slice(0, 4)}`;
  let trial = recall(sessionStorage, TRIAL_KEY) || "";
  let acked = Number(recall(sessionStorage, ACKED_KEY)) || 0;

  // ---- what is where -------------------------------------------------------------------
  const openVotes = () => {
    const undone = new Set(outbox.events.map((event) => event.of));
    return outbox.events.filter((event) => event.kind === "vote" && !undone.has(event.key));
  };
  const taken = () => {
    const unsent = openVotes().map((event) => event.pair.pair_id);
    return state.current ? [state.current.pair.pair_id, ...unsent] : unsent;
  };

  const supply = makeSupply({
    fetchPairs: (wish) => server.stage_pairs({ annotator, trial, ...wish }),
    resolve: (url) => new URL(url, root).href,
    taken,
    onChange: refresh,
  });

  const sender = makeSender({
    outbox,
    send: (event) => server.stage_send(event),
    onSent,
    onRefused,
    onChange: refresh,
  });

  function refresh() {
    if (!state.current && !state.retreat) {
      const next = supply.take();
      if (next) show(next);
      else explainWait();
    }
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
    state.current = item;
    view.show(item, pressedAt);
  }

  function explainWait() {
    if (!supply.reachable) {
      const kept = outbox.events.length ? " Your votes are kept here and will be sent." : "";
      const title = supply.reason ? "No pair just now" : "Palate is not answering";
      view.showEmpty(title, `${supply.reason || "Trying again every second."}${kept}`);
      return;
    }
    if (supply.waiting.length) return view.showEmpty("Loading the pictures", "");
    const left = Math.ceil((supply.readyAt - Date.now()) / 1000);
    const wait = left > 1 ? `About ${plural(left, "second")} to go.` : "Any moment now.";
    view.showEmpty(supply.reason || "Looking for a pair", supply.reason ? wait : "");
  }

  // ---- the server's answers ------------------------------------------------------------
  function onSent(event, reply) {
    acked += 1;
    remember(sessionStorage, ACKED_KEY, acked);
    const { votes, until_next_run } = reply;
    if (state.stats) Object.assign(state.stats, { votes, until_next_run });
    if (reply.pause) showPause(reply.pause);
    if (event.kind === "undo" && state.retreat === event.key) retreatTo(reply.pair);
  }

  async function retreatTo(pair) {
    const item = supply.prepare(pair);
    await item.loaded;
    state.retreat = null;
    if (item.pictures) {
      if (state.current) supply.putBack(state.current);
      show(item);
    }
    refresh();
  }

  function onRefused(event, error) {
    state.history = state.history.filter((past) => past.key !== event.key);
    if (state.retreat === event.key) state.retreat = null;
    view.note(error, "problem");
  }

  // ---- what the person does ------------------------------------------------------------
  async function vote(verdict, pressedAt) {
    const item = state.current;
    const event = {
      kind: "vote",
      key: makeKey(),
      pair_id: item.pair.pair_id,
      verdict,
      annotator,
      response_ms: view.paintedAt ? Math.max(0, Math.round(pressedAt - view.paintedAt)) : null,
      pair: item.pair,
    };
    await outbox.add(event);
    state.history = [...state.history, { key: event.key, item }].slice(-HISTORY);
    state.current = null;
    const next = supply.take();
    if (next) show(next, pressedAt);
    view.taken(verdict);
    afterwards();
  }

  async function undo(pressedAt) {
    const past = state.history.pop();
    const event = { kind: "undo", key: makeKey(), of: past ? past.key : "", annotator };
    if (!past) state.retreat = event.key;
    await outbox.add(event);
    if (past) {
      if (past.item.broken || !past.item.pictures) await past.item.loaded;
      if (state.current) supply.putBack(state.current);
      if (past.item.pictures) show(past.item, pressedAt);
      view.note("Taken back. Choose again.");
    }
    afterwards();
  }

  function afterwards() {
    refresh();
    sender.drain();
    supply.refill();
  }

  async function act(action, pressedAt) {
    if (action === "help") return view.toggleHelp();
    if (action === "leave") return enter("");
    if (action === "verdict") return document.getElementById("verdict-tab-button").click();
    if (action === "close") return view.help.hidden || view.toggleHelp(false);
    if (state.busy || !view.help.hidden || (action !== "undo" && !state.current)) return;
    state.busy = true;
    try {
      await (action === "undo" ? undo(pressedAt) : vote(action, pressedAt));
    } finally {
      state.busy = false;
    }
  }

  // ---- listeners -----------------------------------------------------------------------
  function onKey(event) {
    if (!element.isConnected) return document.removeEventListener("keydown", onKey);
    if (!view.shown()) return;
    const action = actionOf(event);
    if (!action) return;
    if (action !== "close") event.preventDefault();
    act(action, event.timeStamp);
  }

  function onTrial(event) {
    if (!element.isConnected) return document.removeEventListener("palate-trial", onTrial);
    enter(event.detail);
    document.getElementById("label-tab-button").click();
  }

  function rename() {
    const wanted = view.name.value.replace(/[^\P{C}]/gu, "").trim().slice(0, 64);
    view.name.value = wanted || annotator;
    if (!wanted || wanted === annotator) return;
    annotator = wanted;
    remember(localStorage, NAME_KEY, annotator);
    startOver();
  }

  // Other pairs from now on; the old ones go back to whoever wants them.
  function startOver() {
    state.history = [];
    state.current = null;
    supply.empty();
    afterwards();
  }

  // Take part in a blind test, or with "" in none.
  function enter(wanted) {
    if (wanted === trial) return;
    trial = wanted;
    remember(sessionStorage, TRIAL_KEY, trial);
    view.trial(trial ? { trial } : null);
    startOver();
    tell();
  }

  function restoreTab() {
    document.addEventListener("click", (event) => {
      const tab = event.target instanceof Element && event.target.closest('[role="tab"]');
      if (tab && tab.id) remember(sessionStorage, TAB_KEY, tab.id);
    });
    const tab = document.getElementById(recall(sessionStorage, TAB_KEY) || "");
    if (tab && tab.getAttribute("aria-selected") !== "true") tab.click();
  }

  // ---- what the app is doing -----------------------------------------------------------
  async function tell() {
    const asked = trial;
    const reply = await ask((wish) => server.stage_pulse(wish), { annotator, trial });
    if (asked !== trial) return;
    const standing = reply && reply.ok ? reply.trial : null;
    if (reply && reply.ok) view.trial(standing);
    if (asked && ((standing && standing.state === "ended") || (reply && reply.retry === false))) {
      view.note((standing && standing.note) || "This blind test has ended.", "problem");
      enter("");
    }
    if (reply && reply.ok) {
      state.stats = reply.stats;
      state.every = reply.train_every;
      view.status(reply.activity.message, "calm");
    } else {
      view.status((reply && reply.error) || "The server is not answering. Trying again.", "problem");
    }
    refresh();
  }

  async function pulse() {
    if (!element.isConnected) return;
    await tell();
    setTimeout(pulse, document.hidden ? QUIET_PULSE_MS : PULSE_MS);
  }

  document.addEventListener("keydown", onKey);
  document.addEventListener("palate-trial", onTrial);
  element.addEventListener("click", (event) => {
    const button = event.target.closest("[data-verdict], [data-act]");
    if (button) act(button.dataset.verdict || button.dataset.act, event.timeStamp);
  });
  view.name.value = annotator;
  view.name.addEventListener("change", rename);
  view.name.addEventListener("keydown", (event) => {
    if (event.key === "Enter") view.stage.focus();
  });
  remember(localStorage, NAME_KEY, annotator);
  // Votes that a reload left unsent can still be taken back.
  for (const event of openVotes().filter((past) => past.annotator === annotator)) {
    state.history.push({ key: event.key, item: supply.prepare(event.pair) });
  }
  if (document.activeElement === document.body) view.stage.focus({ preventScroll: true });
  restoreTab();
  afterwards();
  pulse();
  setInterval(() => element.isConnected && !state.current && refresh(), 1000);
}

startStage();
