"""The HTML of the Versions tab: the tree, one version in full, and what goes on."""

from collections.abc import Sequence
from html import escape
from typing import Any

from annotate.web.html.run_cards import curves_of, facts_row, notice_card, outcome, time_left, when
from annotate.wording import pluralize

VOTE_KINDS = {
    "preference": ("decisive vote", "decisive votes"),
    "tie": ("tie", "ties"),
    "both_good": ("both good", "both good"),
    "both_bad": ("both bad", "both bad"),
}
ALONE = (
    '<p class="soft only-base">A fine-tune makes the first version. You can also bring your own, '
    "below.</p>"
)
Told = dict[str, Any]


def tree(versions: Sequence[Told], chosen: str) -> str:
    """Return the versions as a tree by parent, each a button."""
    children: dict[str | None, list[Told]] = {}
    for version in versions:
        children.setdefault(version["parent"], []).append(version)
    hint = "" if len(versions) > 1 else ALONE
    return f'<div class="card tree">{_branch(children, None, chosen)}{hint}</div>'


def version_card(told: Told) -> str:
    """Return one version in full: what it learned from, how it did, its curves."""
    parts = [
        f'<div class="run-head"><b>{titled(told)}</b>{badges(told)}</div>',
        f'<p class="soft">{_origin(told)}</p>',
        *_notes(told),
        _facts(told),
        *_undone(told),
        *_judged(told),
        curves_of(told.get("metrics") or []),
    ]
    return f'<div class="card run version">{"".join(parts)}</div>'


def titled(told: Told) -> str:
    """Return a version's own name, and the one that a person gave it."""
    name = f" · <bdi>{escape(told['name'])}</bdi>" if told["name"] else ""
    return escape(told["version"]) + name


def badges(told: Told) -> str:
    """Return what is special about a version."""
    marks = [
        ("active", "Active", told["active"]),
        ("failed", "File gone", told["missing"]),
        ("failed", "Held back", told["held_back"]),
        ("", "Imported", told["imported"]),
        ("", "Deleted", told["deleted"]),
    ]
    return "".join(
        f'<span class="badge {kind}">{text}</span>' for kind, text, there in marks if there
    )


def progress_card(what: str, seconds: float, expected: float | None) -> str:
    """Return a line on work that goes on: how long already, and how long still."""
    told = f"{seconds:.0f} s so far"
    if expected is not None and seconds >= 2:
        told = time_left(max(0.0, expected - seconds))
    return (
        f'<div class="card notice" role="status"><b>{escape(what)}</b>'
        f'<p class="soft">{told}</p></div>'
    )


def exported_card(exported: Told, size: str) -> str:
    """Return where an export lies, and a link to it if it is one file."""
    saved = escape(exported["saved"])
    link = ""
    if exported["url"]:
        name = escape(exported["saved"].rsplit("/", 1)[-1], quote=True)
        url = escape(exported["url"], quote=True)
        link = f'<a class="download" href="{url}" download="{name}">Download</a>'
    return (
        f'<div class="card exported" role="status"><p><b>{escape(exported["version"])} is '
        f"written</b>, {escape(size)}, for {escape(exported['read_by'])}.</p>{link}"
        f'<p class="soft">Saved in the studio folder as <code>{saved}</code></p></div>'
    )


def removal_card(told: Told) -> str:
    """Return the question before a version is deleted."""
    return notice_card(
        f"Delete {told['version']}?",
        "Its files go for good. Its votes, its snapshot and its place in the tree stay.",
    )


def _branch(children: dict[str | None, list[Told]], parent: str | None, chosen: str) -> str:
    items = [
        f"<li>{_leaf(told, chosen)}{_branch(children, told['version'], chosen)}</li>"
        for told in children.get(parent, ())
    ]
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _leaf(told: Told, chosen: str) -> str:
    name = escape(told["version"], quote=True)
    current = ' aria-current="true"' if told["version"] == chosen else ""
    gone = " gone" if told["deleted"] else ""
    return (
        f'<button type="button" class="leaf{gone}" data-version="{name}"{current}>'
        f"<span><b>{titled(told)}</b>{badges(told)}</span>"
        f'<span class="soft">{_brief(told)}</span></button>'
    )


def _brief(told: Told) -> str:
    """Say in a line what a version is."""
    if told["parent"] is None:
        return "The untuned model"
    parts = []
    if told["imported"]:
        parts.append(escape(str(told["imported"].get("file", ""))))
    if decisive := told["counts"].get("preference"):
        parts.append(f"{decisive} votes")
    held = told["result"].get("held_out") or {}
    if held.get("pairs"):
        parts.append(f"agrees {100 * (held.get('accuracy') or 0):.0f} % of {held['pairs']}")
    return " · ".join([*parts, when(told["created"])])


def _origin(told: Told) -> str:
    if told["parent"] is None:
        return "The untuned model that every version starts from."
    if told["deleted"]:
        return f"Deleted {when(told['deleted'])}. Its files are gone; what it was stays here."
    made = when(told["created"])
    if imported := told["imported"]:
        return f"Brought along {made} from {escape(str(imported.get('file', 'a file')))}."
    return f"Run {escape(told['run_id'] or '')} made it {made} from {escape(told['parent'])}."


def _notes(told: Told) -> list[str]:
    notes = []
    if told["note"]:
        lines = escape(told["note"]).replace("\n", "<br>")
        notes.append(f'<blockquote class="note"><bdi>{lines}</bdi></blockquote>')
    if told["missing"]:
        notes.append(
            '<p class="outcome bad"><b>Its file is gone.</b> Nothing can be drawn with it. Put the '
            "file back, or delete the version.</p>"
        )
    return notes


def _facts(told: Told) -> str:
    facts = [
        (str(told["counts"].get(kind, 0)), one if told["counts"].get(kind) == 1 else many)
        for kind, (one, many) in VOTE_KINDS.items()
        if told["counts"].get(kind) or (kind == "preference" and told["counts"])
    ]
    if told["objective"]:
        facts.append((str(told["objective"]), "objective"))
    if told["snapshot"]:
        facts.append((str(told["snapshot"]), "snapshot"))
    facts += _imported_facts(told["imported"] or {})
    if (variety := told["result"].get("diversity")) is not None:
        facts.append((f"{variety:.2f}×", "as varied as base"))
    if (share := (told["result"].get("settled") or {}).get("flipped")) is not None:
        facts.append((f"{100 * share:.0f} %", "of choices it would flip"))
    return facts_row(facts) if facts else ""


def _imported_facts(imported: Told) -> list[tuple[str, str]]:
    family = imported.get("family")
    if imported.get("kind") == "whole":
        merged = [(str(family), "merged into the base")] if family else []
        return [*merged, ("whole", "UNet, not an adapter")]
    layers = pluralize(imported.get("layers", 0), "layer")
    names = {"rank": "rank", "alpha": "alpha", "layers": layers}
    kind = [(str(family), "kind")] if family not in (None, "LoRA") else []
    return kind + [(f"{imported[key]:g}", name) for key, name in names.items() if key in imported]


def _undone(told: Told) -> list[str]:
    parts = []
    if told["undone"]:
        one = told["undone"] == 1
        were, them = ("1 vote was", "it") if one else (f"{told['undone']} votes were", "them")
        parts.append(
            f'<p class="outcome bad"><b>{were} undone since.</b> This version learned from {them} '
            "all the same; a new run would not.</p>"
        )
    elif told["counts"]:
        parts.append('<p class="soft">None of its votes was undone since.</p>')
    imported = told["imported"] or {}
    if left := imported.get("text_encoder_weights_left_out"):
        parts.append(
            f'<p class="outcome">{left} text encoder weights of the file were left out: Palate '
            "tunes the UNet alone, so prompts may be read a little differently.</p>"
        )
    if words := imported.get("embeddings_left_out"):
        parts.append(
            f'<p class="outcome">The embeddings of {escape(", ".join(map(str, words[:8])))} were '
            "left out: in prompts these words mean what they mean to the base.</p>"
        )
    if imported.get("kind") == "whole" and not imported.get("family"):
        parts.append(
            '<p class="outcome">Only the UNet of that model is used; text encoders and autoencoder '
            "stay the base's.</p>"
        )
    return parts


def _judged(told: Told) -> list[str]:
    if told["run_id"] is None:
        return []
    # Nobody can follow advice on a version that is gone.
    result = told["result"] | ({"advice": ""} if told["deleted"] else {})
    return [outcome({"state": "done", "result": result, "version": None})]
