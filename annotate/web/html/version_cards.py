"""The HTML of the Train tab: the tree, one version in detail, and jobs in progress."""

from collections.abc import Sequence
from html import escape
from pathlib import PurePath

from align.contracts.movement import percent_of
from align.contracts.weights import ImportedFile, VersionSummary
from annotate.versions.naming import UNTITLED, VersionTitles, version_title
from annotate.views.model_versions import ExportedVersion, SentVersion, VersionDetail, VersionView
from annotate.web.html.look_cards import look_line
from annotate.web.html.run_cards import (
    facts_row,
    notice_card,
    outcome_of,
    time_left,
    when,
)
from annotate.web.html.run_curves import curves_of
from annotate.web.html.version_thumbnails import thumbnails
from annotate.wording import percent, pluralize, quantity

VOTE_KINDS = {
    "preference": ("choice", "choices"),
    "ranking": ("ranking of four", "rankings of four"),
    "tie": ("tie", "ties"),
    "both_good": ("both good", "both good"),
    "both_bad": ("both bad", "both bad"),
}
ONLY_BASE = (
    '<p class="soft only-base">A fine-tune makes the first version. You can also import one '
    "below.</p>"
)


def tree(versions: Sequence[VersionView], chosen: str) -> str:
    """Return the versions as a tree by parent, each a button."""
    children: dict[str | None, list[VersionView]] = {}
    for version in versions:
        children.setdefault(version["parent"], []).append(version)
    hint = "" if len(versions) > 1 else ONLY_BASE
    return f'<div class="card tree">{_branch(children, None, chosen)}{hint}</div>'


def version_card(version: VersionDetail, titles: VersionTitles = UNTITLED) -> str:
    """Return one version in detail: its training data, its results, its curves."""
    parts = [
        f'<div class="run-head"><b>{titled(version)}</b>{badges(version)}</div>',
        f'<p class="soft">{_origin(version, titles)}</p>',
        thumbnails(version["thumbnail_urls"]),
        *_notes(version),
        _facts(version),
        *_look(version),
        *_warnings(version),
        *_outcome_card(version),
        curves_of(version.get("metrics", [])),
    ]
    return f'<div class="card run version">{"".join(parts)}</div>'


def titled(version: VersionView) -> str:
    """Return the title of a version as HTML; a name may be written from right to left."""
    return f"<bdi>{escape(version_title(version))}</bdi>"


def badges(version: VersionView) -> str:
    """Return badges: active, file gone, held back, imported, deleted."""
    held = "Failed a check" if version["active"] else "Held back"
    marks = [
        ("active", "Active", version["active"]),
        ("failed", "File gone", version["missing"]),
        ("failed", held, version["held_back"]),
        ("", "Imported", version["imported"]),
        ("", "Deleted", version["deleted"]),
    ]
    return "".join(
        f'<span class="badge {kind}">{text}</span>' for kind, text, there in marks if there
    )


def progress_card(what: str, seconds: float, expected: float | None) -> str:
    """Return a card on a running job: seconds so far, or the time left if it can be estimated."""
    status = f"{seconds:.0f} s so far"
    # Within two seconds most jobs are done, and an estimate would only flash.
    if expected is not None and seconds >= 2:
        status = time_left(max(0.0, expected - seconds))
    return (
        f'<div class="card notice" role="status"><b>{escape(what)}</b>'
        f'<p class="soft">{status}</p></div>'
    )


def exported_card(exported: ExportedVersion, size: str, titles: VersionTitles = UNTITLED) -> str:
    """Return where an export was saved, with a download link if it is one file."""
    saved, title = escape(exported["saved"]), escape(titles.of(exported["version"]))
    link = ""
    if exported["url"]:
        name = escape(exported["saved"].rsplit("/", 1)[-1], quote=True)
        url = escape(exported["url"], quote=True)
        link = f'<a class="download" href="{url}" download="{name}">Download</a>'
    return (
        f'<div class="card exported" role="status"><p><b>{title} is '
        f"written</b>, {escape(size)}, for {escape(exported['read_by'])}.</p>{link}"
        f'<p class="soft">Saved in the studio folder as <code>{saved}</code></p></div>'
    )


def sent_card(sent: SentVersion, titles: VersionTitles = UNTITLED) -> str:
    """Return where a version was sent, and how to use it there."""
    file, title = PurePath(sent["file"]), escape(titles.of(sent["version"]))
    scale = f", scaled from {sent['strength']:g}" if sent["strength"] != 1 else ""
    again = ", in place of what was sent of it before" if sent["replaced"] else ""
    kind = " It is a DoRA, for ComfyUI and Forge." if sent["form"] == "dora" else ""
    beside = " and ".join(sent["notes"])
    notes = f" Beside it: {escape(beside)}." if beside else " The notes beside it stay as they are."
    return (
        f'<div class="card exported" role="status"><p><b>{title} is '
        f"there</b>{again}. Use it at strength 1.0{scale}.{kind}{notes}</p>"
        f'<p class="soft"><code>{escape(file.name)}</code> in <code>{escape(str(file.parent))}'
        "</code>. Refresh the list of LoRAs in that program.</p></div>"
    )


def refusal_card(sentence: str) -> str:
    """Return why something was not done, in its place."""
    return f'<p class="outcome bad" role="alert">{escape(sentence)}</p>'


def removal_card(title: str) -> str:
    """Return the question before a version with this title is deleted."""
    return notice_card(
        f"Delete {title}?",
        "Its files go for good. Its votes, its snapshot and its place in the tree stay.",
    )


def _branch(children: dict[str | None, list[VersionView]], parent: str | None, chosen: str) -> str:
    items = [
        f"<li>{_leaf(version, chosen)}{_branch(children, version['version'], chosen)}</li>"
        for version in children.get(parent, ())
    ]
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _leaf(version: VersionView, chosen: str) -> str:
    name = escape(version["version"], quote=True)
    current = ' aria-current="true"' if version["version"] == chosen else ""
    gone = " gone" if version["deleted"] else ""
    return (
        f'<button type="button" class="leaf{gone}" data-version="{name}"{current}>'
        f"<span><b>{titled(version)}</b>{badges(version)}</span>"
        f'<span class="soft">{_brief(version)}</span>{thumbnails(version["thumbnail_urls"])}'
        "</button>"
    )


def _brief(version: VersionView) -> str:
    """Return one line about a version: votes, accuracy on held-out pairs, date."""
    if version["parent"] is None:
        return "The untuned model"
    parts = []
    if version["imported"]:
        parts.append(escape(version["imported"].get("file", "")))
    if choices := sum(version["counts"].get(kind, 0) for kind in ("preference", "ranking")):
        parts.append(quantity(choices, "choice"))
    held = version["result"].get("held_out", {})
    if held.get("pairs"):
        parts.append(f"agrees {percent(held.get('accuracy') or 0)} of {held['pairs']}")
    return " · ".join([*parts, when(version["created"])])


def _origin(version: VersionView, titles: VersionTitles) -> str:
    if version["parent"] is None:
        return "The untuned model that every version starts from."
    if version["deleted"]:
        return f"Deleted {when(version['deleted'])}. Its files are gone; what it was stays here."
    made = when(version["created"])
    if imported := version["imported"]:
        return f"Imported {made} from {escape(imported.get('file', 'a file'))}."
    parent, run_id = escape(titles.of(version["parent"])), escape(version["run_id"] or "")
    return f"Made {made} from {parent}, by run <small>{run_id}</small>."


def _notes(version: VersionView) -> list[str]:
    notes = []
    if version["note"]:
        lines = escape(version["note"]).replace("\n", "<br>")
        notes.append(f'<blockquote class="note"><bdi>{lines}</bdi></blockquote>')
    if version["missing"]:
        notes.append(
            '<p class="outcome bad"><b>Its file is gone.</b> Nothing can be rendered with it. Put '
            "the file back, or delete the version.</p>"
        )
    return notes


def _facts(version: VersionView) -> str:
    facts = [
        (str(version["counts"].get(kind, 0)), one if version["counts"].get(kind) == 1 else many)
        for kind, (one, many) in VOTE_KINDS.items()
        if version["counts"].get(kind) or (kind == "preference" and version["counts"])
    ]

    if version["objective"]:
        facts.append((version["objective"], "objective"))
    if version["snapshot"]:
        facts.append((version["snapshot"], "snapshot"))
    if version["imported"]:
        facts += _imported_facts(version["imported"])

    if (movement := version["result"].get("movement")) is not None:
        facts.append((percent_of(movement), "moved from base"))
    if (variety := version["result"].get("diversity")) is not None:
        facts.append((f"{variety:.2f}×", "as varied as base"))
    if (share := version["result"].get("settled", {}).get("flipped")) is not None:
        facts.append((percent(share), "of choices it would flip"))
    return facts_row(facts) if facts else ""


def _look(version: VersionView) -> list[str]:
    look = version["result"].get("look")
    if look is None:
        return []
    return [f'<p class="soft">Trained for images of {escape(look_line(look))}.</p>']


def _imported_facts(imported: ImportedFile) -> list[tuple[str, str]]:
    family = imported.get("family")
    if imported.get("kind") == "whole":
        merged = [(family, "merged into the base")] if family else []
        return [*merged, ("whole", "UNet, not an adapter")]

    kind = [(family, "kind")] if family and family != "LoRA" else []
    layers = imported.get("layers")
    numbers = (
        (imported.get("rank"), "rank"),
        (imported.get("alpha"), "alpha"),
        (layers, pluralize(layers or 0, "layer")),
    )
    return kind + [(f"{number:g}", name) for number, name in numbers if number is not None]


def _warnings(version: VersionView) -> list[str]:
    parts = []
    if version["undone"]:
        single = version["undone"] == 1
        were, them = ("1 vote was", "it") if single else (f"{version['undone']} votes were", "them")
        parts.append(
            f'<p class="outcome bad"><b>{were} undone since.</b> This version was trained on '
            f"{them} nevertheless; a new run would not be.</p>"
        )
    elif version["counts"]:
        parts.append('<p class="soft">None of its votes was undone since.</p>')

    parts += _import_warnings(version["imported"]) if version["imported"] else []
    return parts


def _import_warnings(imported: ImportedFile) -> list[str]:
    parts = []
    if left := imported.get("text_encoder_weights_left_out"):
        parts.append(
            f'<p class="outcome">{left} text encoder weights of the file were left out: Palate '
            "tunes the UNet alone, so prompts may have a slightly different effect.</p>"
        )

    if words := imported.get("embeddings_left_out"):
        parts.append(
            f'<p class="outcome">The embeddings of {escape(", ".join(words[:8]))} were '
            "left out: in prompts these words mean what they mean to the base.</p>"
        )

    if imported.get("kind") == "whole" and not imported.get("family"):
        parts.append(
            '<p class="outcome">Only the UNet of that model is used; text encoders and autoencoder '
            "stay the base's.</p>"
        )
    return parts


def _outcome_card(version: VersionView) -> list[str]:
    if version["run_id"] is None:
        return []
    # Nobody can follow advice on a version that is gone.
    result: VersionSummary = {**version["result"]}
    if version["deleted"]:
        result["advice"] = ""
        result.pop("movement", None)
    return [outcome_of(result)]
