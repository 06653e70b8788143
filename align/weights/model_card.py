"""Model cards: what an exported version is, for whoever gets the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from align.client.models import HUB_NAME
from align.contracts.run_files import HoldoutResult
from align.contracts.snapshot_files import MANIFEST
from align.weights.export_facts import AdapterSource

CARD = "README.md"
CARD_ENDING = ".md"
KINDS = {
    "preference": "choices between two images",
    "ranking": "rankings of four images",
    "tie": "ties",
    "both_good": "pairs of two good images",
    "both_bad": "pairs of two bad images",
}


def write_card(source: AdapterSource, target: Path, title: str) -> None:
    """Write the card of an export into its folder, or beside its file, unless there is one.

    A card that somebody filled in stays as it is.
    """
    path = target / CARD if target.is_dir() else target.with_suffix(CARD_ENDING)
    if source.run is not None and not path.exists():
        path.write_text(model_card(source, title), encoding="utf-8")


def model_card(source: AdapterSource, title: str) -> str:
    """Return a card in the hub's form: a head for programs, and text for people."""
    head = ["---", "# license: fill in what you let others do with it", "library_name: diffusers"]
    if source.model and HUB_NAME.fullmatch(source.model.path):
        head.append(f"base_model: {source.model.path}")
    head += ["tags:", "- text-to-image", "- preference", "- palate", "---"]

    rows = [f"| {name} | {value} |" for name, value in facts_of(source).items() if value]
    checks = [f"- {check['sentence']}" for check in result_of(source).get("checks", [])]
    text = [
        *head,
        "",
        f"# {title}",
        "",
        "Fine-tuned with Palate on what people chose between images.",
        "",
        "| | |",
        "|---|---|",
        *rows,
    ]
    text += ["", "## Checks beside the base", "", *checks] if checks else []
    text += ["", "## License", "", "Fill in what you let others do with it."]
    return "\n".join(text) + "\n"


def facts_of(source: AdapterSource) -> dict[str, str]:
    """Return the facts of a card by their names; "" for what is not known."""
    result, settings = result_of(source), source.settings
    steps = source.status.step if source.status else 0
    return {
        "Base": source.model.name if source.model else "",
        "Objective": result.get("objective_title", str(settings.get("objective", ""))),
        "Votes": votes_of(source),
        "Steps": f"{steps:,}" if steps else "",
        "Learning rate": f"{settings['learning_rate']:g}" if "learning_rate" in settings else "",
        "Pairs that it never saw": held_out(result.get("held_out")),
        "Run": source.run or "",
    }


def result_of(source: AdapterSource) -> dict[str, Any]:
    """Return the result of the run; empty where there is none."""
    return dict((source.status and source.status.result) or {})


def votes_of(source: AdapterSource) -> str:
    """Return how many votes of which kind the run had, and of which sources they came."""
    manifest = source.adapter.parent / "snapshot" / MANIFEST
    try:
        facts = json.loads(manifest.read_text(encoding="utf-8"))
        told = [f"{name}: {facts['counts'][kind]:,}" for kind, name in KINDS.items()
                if facts["counts"].get(kind)]  # fmt: skip
        of_sources = facts.get("sources", {})
        told += [f"from {name}: {count:,}" for name, count in of_sources.items()]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        told = []
    pairs = result_of(source).get("pairs")
    return ", ".join(told) or (f"{pairs:,} pairs" if pairs else "")


def held_out(measured: HoldoutResult | None) -> str:
    """Return the result on held-out pairs in words; "" without one."""
    if not measured or measured["accuracy"] is None:
        return ""
    chance = measured["p_value"]
    of_chance = "" if chance is None else f" (p = {chance:.2g} against guessing)"
    share, pairs = measured["accuracy"], measured["pairs"]
    return f"it orders {share:.0%} of {pairs:,} as people did{of_chance}"
