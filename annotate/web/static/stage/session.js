// Labeling sessions: a goal, its progress, pauses, and a summary.

const VERDICT_LABELS = {
  left: "left", right: "right", tie: "ties", both_good: "both good", both_bad: "both bad",
  skip: "skipped", ranking: "groups of four ranked",
};

function makeSession({ element, call, onPaused }) {
  const find = (selector) => element.querySelector(selector);
  const card = find(".session-card");
  const chip = find(".session-chip");
  const session = { now: null };
  let reached = "";

  const paused = () => Boolean(session.now && session.now.state === "paused");
  session.paused = paused;

  function render() {
    const { now } = session;
    chip.textContent = now ? `${now.given} of ${now.goal}${paused() ? " · paused" : ""}` : "Set a goal";
    chip.style.setProperty("--done", now ? Math.min(1, now.given / now.goal) : 0);
    chip.toggleAttribute("data-on", Boolean(now));
    card.dataset.state = now ? now.state : "none";
  }

  // Takes the server's state of the session; reaching the goal shows the summary, once.
  session.take = (now) => {
    const before = paused();
    session.now = now;
    render();
    if (before !== paused()) onPaused(paused());

    const goal = now && now.given >= now.goal ? `${now.goal}` : "";
    if (goal && reached !== goal && now.state === "open") send({ action: "summary" });
    reached = goal;
  };

  // Counts a vote at once, before the server's own count arrives.
  session.add = (by) => {
    if (session.now) session.take({ ...session.now, given: Math.max(0, session.now.given + by) });
  };

  async function send(request) {
    const reply = await call(request);
    if (!reply || !reply.ok) {
      showMessage((reply && reply.error) || "The server is not answering. Try again in a moment.");
      return;
    }
    session.take(reply.session);
    if (["summary", "ended"].includes(request.action)) summarize(reply.summary);
    else close();
  }

  function showMessage(text) {
    find(".session-message").textContent = text;
  }

  function summarize(summary) {
    const facts = [
      ["Votes", `${summary.given} of ${summary.goal}`],
      ["Time", summary.minutes < 1 ? "under a minute" : plural(Math.round(summary.minutes), "minute")],
      ["Pace", summary.per_minute === null ? "–" : `${summary.per_minute} per minute`],
      ["Median time per pair", summary.median_ms === null ? "–" : `${(summary.median_ms / 1000).toFixed(1)} s`],
      ["Left votes", summary.left_share === null ? "–" : `${Math.round(100 * summary.left_share)} %`],
      ...(summary.asked_twice ? [["Same answer twice", `${summary.same_twice} of ${summary.asked_twice}`]] : []),
      ...(summary.liked.length ? [["You prefer", summary.liked.join(", ")]] : []),
      ...Object.entries(summary.kinds).map(([kind, count]) => [VERDICT_LABELS[kind] || kind, String(count)]),
    ];
    find(".session-facts").replaceChildren(
      ...facts.flatMap(([name, value]) => {
        const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
        dt.textContent = name;
        dd.textContent = value;
        return [dt, dd];
      }),
    );
    showMessage(summary.given >= summary.goal ? "The goal is reached. Thank you." : "");
    open(true);
  }

  function open(summary = false) {
    card.toggleAttribute("data-summary", summary);
    if (!summary) showMessage("");
    card.hidden = false;
    find(".session-card [autofocus]").focus({ preventScroll: true });
  }

  function close() {
    card.hidden = true;
    find(".stage").focus({ preventScroll: true });
  }

  session.shown = () => !card.hidden;
  session.close = close;
  session.perform = (action) => {
    if (action === "session") return open();
    if (action === "session-close") return close();
    if (action === "session-begin") {
      const goal = Math.round(Number(find(".session-goal").value));
      return goal >= 1 ? send({ action: "begin", goal }) : showMessage("A goal is a number of votes.");
    }
    return send({ action: { "session-pause": "paused", "session-on": "open", "session-end": "ended",
      "session-summary": "summary" }[action] });
  };
  render();
  return session;
}
