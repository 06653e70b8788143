// Sittings: a goal, how far it is, a pause, and what came of it.

const KINDS = {
  left: "left", right: "right", tie: "ties", both_good: "both good", both_bad: "both bad",
  skip: "skipped", ranking: "fours ranked",
};

function makeSitting({ element, call, onPaused }) {
  const find = (selector) => element.querySelector(selector);
  const card = find(".sitting-card");
  const chip = find(".sitting");
  const sitting = { now: null };
  let reached = "";

  const paused = () => Boolean(sitting.now && sitting.now.state === "paused");
  sitting.paused = paused;

  function draw() {
    const { now } = sitting;
    chip.textContent = now ? `${now.given} of ${now.goal}${paused() ? " · paused" : ""}` : "Set a goal";
    chip.style.setProperty("--done", now ? Math.min(1, now.given / now.goal) : 0);
    chip.toggleAttribute("data-on", Boolean(now));
    card.dataset.state = now ? now.state : "none";
  }

  // What the server says; reaching the goal shows the summary, once.
  sitting.take = (now) => {
    const before = paused();
    sitting.now = now;
    draw();
    if (before !== paused()) onPaused(paused());
    const goal = now && now.given >= now.goal ? `${now.goal}` : "";
    if (goal && reached !== goal && now.state === "open") send({ act: "summary" });
    reached = goal;
  };

  // A vote counts at once; the server's own count follows.
  sitting.bump = (by) => {
    if (sitting.now) sitting.take({ ...sitting.now, given: Math.max(0, sitting.now.given + by) });
  };

  async function send(wish) {
    const reply = await call(wish);
    if (!reply || !reply.ok) {
      tell((reply && reply.error) || "The server is not answering. Try again in a moment.");
      return;
    }
    sitting.take(reply.sitting);
    if (["summary", "ended"].includes(wish.act)) summarize(reply.summary);
    else close();
  }

  function tell(text) {
    find(".sitting-told").textContent = text;
  }

  function summarize(told) {
    const facts = [
      ["Votes", `${told.given} of ${told.goal}`],
      ["At work", told.minutes < 1 ? "under a minute" : plural(Math.round(told.minutes), "minute")],
      ["Pace", told.per_minute === null ? "–" : `${told.per_minute} a minute`],
      ["Typical answer", told.median_ms === null ? "–" : `${(told.median_ms / 1000).toFixed(1)} s`],
      ["Left of the choices", told.left_share === null ? "–" : `${Math.round(100 * told.left_share)} %`],
      ...(told.asked_twice ? [["Same answer twice", `${told.same_twice} of ${told.asked_twice}`]] : []),
      ...(told.liked.length ? [["You choose more often", told.liked.join(", ")]] : []),
      ...Object.entries(told.kinds).map(([kind, count]) => [KINDS[kind] || kind, String(count)]),
    ];
    find(".sitting-facts").replaceChildren(
      ...facts.flatMap(([name, value]) => {
        const [dt, dd] = [document.createElement("dt"), document.createElement("dd")];
        dt.textContent = name;
        dd.textContent = value;
        return [dt, dd];
      }),
    );
    tell(told.given >= told.goal ? "The goal is reached. Thank you." : "");
    open(true);
  }

  function open(summary = false) {
    card.toggleAttribute("data-summary", summary);
    if (!summary) tell("");
    card.hidden = false;
    find(".sitting-card [autofocus]").focus({ preventScroll: true });
  }

  function close() {
    card.hidden = true;
    find(".stage").focus({ preventScroll: true });
  }

  sitting.shown = () => !card.hidden;
  sitting.close = close;
  sitting.act = (action) => {
    if (action === "sitting") return open();
    if (action === "sitting-close") return close();
    if (action === "sitting-begin") {
      const goal = Math.round(Number(find(".sitting-goal").value));
      return goal >= 1 ? send({ act: "begin", goal }) : tell("A goal is a number of votes.");
    }
    return send({ act: { "sitting-pause": "paused", "sitting-on": "open", "sitting-end": "ended",
      "sitting-summary": "summary" }[action] });
  };
  draw();
  return sitting;
}
