// The view of the stage. Everything here writes to the page and decides nothing.

const CONFIRMATIONS = {
  left: "Left.",
  right: "Right.",
  tie: "Tie.",
  both_good: "Both good.",
  both_bad: "Both bad.",
  skip: "Skipped.",
  ranking: "Ranked.",
  report: "Flagged: hidden until an admin has looked at it.",
};

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function makeView(element) {
  const find = (selector) => element.querySelector(selector);
  const stage = find(".stage");
  const frames = [...element.querySelectorAll(".pair .image")];
  const fourFrames = [...element.querySelectorAll(".four .image")];
  const coarse = matchMedia("(pointer: coarse)").matches;
  let undoName = coarse ? "Undo" : "Z";
  const reducedMotion = matchMedia("(prefers-reduced-motion: reduce)");
  const cards = [...element.querySelectorAll(".card")];
  const view = { stage, name: find(".who input"), help: find(".help-card"), paintedAt: 0 };
  let noteTimer = 0;

  const setText = (selector, text) => {
    const target = find(selector);
    if (target.textContent !== text) target.textContent = text;
  };

  // Calls back once the browser has painted the last change. A page in the background never paints, so
  // there it calls back at once.
  view.afterPaint = (done) => {
    if (document.hidden) return setTimeout(() => done(performance.now()), 0);
    return requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => done(performance.now());
      channel.port2.postMessage(null);
    });
  };

  view.show = (item, pressedAt) => {
    stage.dataset.state = "pair";
    element.dataset.pair = item.pair.pair_id;
    setText(".prompt", item.pair.prompt);
    stage.dataset.layout = item.pair.urls ? "four" : "two";
    view.question(item.pair.question || (item.pair.urls ? "Which one is the best?" : ""));
    view.best(null);
    (item.pair.urls ? fourFrames : frames).forEach((frame, place) =>
      frame.querySelector(".frame").replaceChildren(item.images[place]));
    view.paintedAt = 0;
    view.afterPaint((now) => {
      view.paintedAt = now;
      if (pressedAt) element.dataset.swapMs = (now - pressedAt).toFixed(1);
    });
  };

  view.question = (text) => {
    setText(".question", text);
    find(".question").hidden = !text;
  };

  // Marks the best of four, and asks for the worst next.
  view.best = (place) => {
    fourFrames.forEach((frame, i) => frame.toggleAttribute("data-best", i === place));
    if (place !== null) view.question("And which one is the worst?");
    else if (stage.dataset.layout === "four") view.question("Which one is the best?");
  };

  view.mode = (four) => {
    const button = find(".mode");
    button.setAttribute("aria-pressed", String(four));
    element.dataset.mode = four ? "four" : "two";
  };

  view.showEmpty = (title, detail, { paused = false, failed = false } = {}) => {
    stage.dataset.state = "empty";
    stage.toggleAttribute("data-paused", paused);
    stage.toggleAttribute("data-failed", failed);
    element.dataset.pair = "";
    setText(".empty-title", title);
    setText(".empty-detail", detail);
  };

  view.flash = (verdict) => {
    if (reducedMotion.matches) return;
    const sides = { left: [0], right: [1], tie: [0, 1], both_good: [0, 1], both_bad: [0, 1] };
    const color = `var(${verdict === "both_bad" ? "--body-text-color-subdued" : "--color-accent"})`;
    for (const side of sides[verdict] || []) {
      frames[side].animate(
        [{ boxShadow: `0 0 0 4px ${color}` }, { boxShadow: `0 0 0 4px transparent` }],
        { duration: 420, easing: "ease-out" },
      );
    }
  };

  view.note = (text, kind = "calm") => {
    const note = find(".note");
    note.dataset.kind = kind;
    setText(".note", text);
    clearTimeout(noteTimer);
    noteTimer = setTimeout(() => setText(".note", ""), kind === "calm" ? 2500 : 12000);
  };

  view.confirm = (verdict) => {
    view.flash(verdict);
    view.note(verdict === "report" ? CONFIRMATIONS[verdict] : `${CONFIRMATIONS[verdict]} ${undoName} undoes it.`);
  };

  view.counts = ({ votes, acked, ready, unsent, error, durable }) => {
    Object.assign(element.dataset, { acked, ready, unsent });
    setText(".saved", votes === null ? "" : `${plural(votes, "vote")} saved`);
    find(".not-stored").hidden = durable;
    const badge = find(".unsent");
    badge.hidden = !unsent;
    badge.textContent = `${unsent} unsent`;
    badge.title =
      error ||
      (durable
        ? "Kept in this browser until the server has them, also when the page reloads."
        : "This browser keeps no data for this page: leave it open until these are sent.");
  };

  view.progress = (every, until, decisive) => {
    const bar = find(".track");
    const counted = every && until !== null;
    bar.hidden = !counted;
    if (!counted) {
      setText(".progress-text", decisive === null ? "" : plural(decisive, "decisive vote"));
      return;
    }
    const done = Math.min(every, Math.max(0, every - until));
    const enough = done === every;
    setText(
      ".progress-text",
      enough
        ? `${every} decisive votes: the next fine-tune starts soon`
        : `${done} of ${every} decisive votes until the next fine-tune`,
    );
    find(".fill").style.inlineSize = `${(100 * done) / every}%`;
    bar.setAttribute("aria-valuemax", every);
    bar.setAttribute("aria-valuenow", done);
  };

  // Shows the progress of a blind test, but not who leads.
  view.blindTest = (progress) => {
    find(".blind-test").hidden = !progress;
    if (!progress) return;
    const { after, before, votes, votes_needed: needed, settled, problem } = progress;
    const name = after ? `Blind test of ${after} against ${before}` : "Blind test";
    const most = needed && (needed[1] >= 1000 ? "1,000 or more" : needed[1]);
    const left = settled
      ? "the outcome is clear"
      : needed && votes
        ? `about ${needed[0] === needed[1] ? most : `${needed[0]} to ${most}`} more votes to go`
        : "say which is better";
    const parts = [name, ...(votes ? [plural(votes, "vote")] : []), problem || left];
    setText(".blind-test-text", parts.join(" · "));
    element.dataset.settled = Boolean(settled);
  };

  view.status = (message, tone) => {
    for (const line of document.querySelectorAll("[data-palate-status]")) {
      line.textContent = message;
      line.dataset.tone = tone;
    }
  };

  view.toggleHelp = (keys) => {
    if (!view.help.hidden) return view.closeHelp();
    view.keys(keys);
    view.help.hidden = false;
    return find(".help-close").focus({ preventScroll: true });
  };
  view.closeHelp = () => {
    if (view.help.hidden) return;
    view.help.hidden = true;
    stage.focus({ preventScroll: true });
  };
  view.covered = () => cards.some((card) => !card.hidden);

  // Shows the present keys on the buttons and in the help.
  view.keys = (keys) => {
    for (const { action, key } of keys.all()) {
      for (const kbd of element.querySelectorAll(`[data-key="${action}"]`)) kbd.textContent = glyphOf(key);
    }
    undoName = coarse ? "Undo" : glyphOf(keys.of("undo"));
    find(".key-list").replaceChildren(
      ...keys.all().flatMap(({ action, key, label }) => {
        const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
        const pick = document.createElement("button");
        pick.type = "button";
        pick.className = "pick";
        pick.dataset.pick = action;
        pick.setAttribute("aria-label", `${label}: ${glyphOf(key)}. Choose another key`);
        pick.append(Object.assign(document.createElement("kbd"), { textContent: glyphOf(key) }));
        dt.append(pick);
        dd.textContent = label;
        return [dt, dd];
      }),
    );
    find('[data-action="keys-reset"]').hidden = !keys.changed();
    view.keyHint("Click a key, then press its replacement.");
  };

  view.keyHint = (text, button = null) => {
    setText(".key-hint", text);
    for (const pick of element.querySelectorAll(".pick")) pick.toggleAttribute("data-asked", pick === button);
  };

  view.shown = () => element.isConnected && element.offsetParent !== null;
  return view;
}
