"""The HTML of prepared pairs: what they take, how far they are, and how many are ready."""

from html import escape

from annotate.charts.bar_charts import progress_bar
from annotate.versions.naming import UNTITLED, VersionTitles
from annotate.views.pair_rendering import PreparedPairsView, PrepareEstimate
from annotate.web.html.run_cards import facts_row
from annotate.wording import in_bytes, in_time, quantity
from storage.tables.imported_images import IMPORTED

UNDER_WAY = ("rendering", "paused")


def prepared_card(view: PreparedPairsView, titles: VersionTitles = UNTITLED) -> str:
    """Return how far the order is, with the pairs that wait by version."""
    bar = ""
    if view["state"] in UNDER_WAY:
        share = 100 * view["rendered"] // view["asked"]
        state = "running" if view["state"] == "rendering" else view["state"]
        bar = progress_bar(share, state, "Pairs rendered of those asked for")
    return (
        f'<div class="card run prepared" role="status"><b>{escape(view["message"])}</b>{bar}'
        f'<p class="soft">{escape(ready_line(view, titles))}</p></div>'
    )


def ready_line(view: PreparedPairsView, titles: VersionTitles = UNTITLED) -> str:
    """Return how many pairs wait, by the version that they were rendered with."""
    if view["ready"] is None:
        return "How many wait is not shown while a blind test is mixed in."
    if not view["ready"]:
        return "None waits now."
    counts = (_of_version(version, ready, titles) for version, ready in _sorted(view))
    return f"Ready now: {', '.join(counts)}."


def estimate_card(estimate: PrepareEstimate, view: PreparedPairsView) -> str:
    """Return what preparing a number of pairs takes, or why it cannot be done."""
    seconds = estimate["seconds"]
    measured = "of disk" if view["bytes_measured"] else "of disk, by the pixels"
    facts = (
        (f"{estimate['pairs']:,}", "pairs"),
        (in_time(seconds) if seconds else "?", "to render" if seconds else "not measured now"),
        (in_bytes(estimate["bytes"]), measured),
        (in_bytes(view["free_bytes"]), "free now"),
    )
    refusal = estimate["refusal"]
    told = f'<p role="alert">{escape(refusal)}</p>' if refusal else ""
    return f'<div class="card plan">{facts_row(facts)}{told}</div>'


def not_prepared_card(sentence: str) -> str:
    """Return why a number of pairs cannot be prepared."""
    return f'<div class="card notice" role="alert"><p>{escape(sentence)}</p></div>'


def _sorted(view: PreparedPairsView) -> list[tuple[str, int]]:
    return sorted((each["version"], each["ready"]) for each in view["ready"] or [])


def _of_version(version: str, count: int, titles: VersionTitles) -> str:
    whose = "of imported images" if version == IMPORTED else f"of {titles.of(version)}"
    return f"{quantity(count, 'pair')} {whose}"
