"""Guesses: the layout of some files, and the mapping of their columns, by the names of these."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from storage.layouts.column_names import (
    ANSWERS,
    IMAGE_LISTS,
    LABELS,
    PAIRS,
    PEOPLE,
    PROMPTS,
    RANK_LISTS,
    SIDES,
    TIMES,
    Names,
)
from storage.layouts.data_rows import Cells
from storage.layouts.forms.own_rows import SIGNS
from storage.layouts.layouts import MOST_IMAGES
from storage.layouts.mapping import ColumnMapping

Columns: TypeAlias = dict[str, str]


def guess_mapping(cells: Cells) -> ColumnMapping | None:
    """Return the mapping that the names of columns suggest; None if they suggest nothing."""
    if cells.keys() >= SIGNS:
        # It has no roles: its columns are known.
        return ColumnMapping("palate", {})
    names = Names(cells)
    for layout, guess in GUESSES.items():
        if columns := guess(names):
            columns = {**common(names), **columns}
            return ColumnMapping(layout, {role: cell for role, cell in columns.items() if cell})
    return None


def common(names: Names) -> Columns:
    """Return the columns that any layout may have."""
    return {
        "prompt": names.first(*PROMPTS) or names.last_word(*PROMPTS),
        "annotator": names.first(*PEOPLE),
        "given": names.first(*TIMES),
    }


def pickapic(names: Names) -> Columns:
    """Two columns of bytes with labels, as Pick-a-Pic has them."""
    if not names.has("jpg_0", "jpg_1", "label_0"):
        return {}
    return {
        "image_0": names.first("jpg_0"),
        "image_1": names.first("jpg_1"),
        "label_0": names.first("label_0"),
        "label_1": names.first("label_1"),
        "has_label": names.first("has_label"),
        "prompt": names.first("caption", *PROMPTS),
    }


def hpd2(names: Names) -> Columns:
    """Lists of two images and of two labels, as in the training part of HPDv2."""
    images = names.first("file_path", "image_path", "images", "file_names")
    labels = names.first("human_preference")
    if not images or not labels:
        return {}
    return {
        "image_0": f"{images}[0]",
        "image_1": f"{images}[1]",
        "label_0": f"{labels}[0]",
        "label_1": f"{labels}[1]",
    }


def hpd2_ranks(names: Names) -> Columns:
    """Lists of images, and of the rankings of single people, as in the test part of HPDv2."""
    images, people = (
        names.first("image_path", "file_path", "images"),
        names.first("raw_annotations"),
    )
    if not images or not people:
        return {}
    return {"images": images, "people": people, "ranks": names.first(*RANK_LISTS), "annotator": ""}


def hpd3(names: Names) -> Columns:
    """Two paths of which the first is preferred, as HPDv3 has them."""
    if not names.has("path1", "path2") or names.has("label_0"):
        return {}
    return {
        "chosen": names.first("path1"),
        "rejected": names.first("path2"),
        "votes": names.first("choice_dist"),
        "confidence": names.first("confidence"),
    }


def rapidata(names: Names) -> Columns:
    """Weighted results of two images; of several questions that of preference."""
    told = [name for name in names.cells if name.lower().startswith("weighted_results_image1")]
    told.sort(key=lambda name: "preference" not in name.lower())
    images = names.pair((("image1", "image2"), ("image_1", "image_2")))
    for name in told:
        other = name.replace("image1", "image2")
        if images and other in names.cells:
            return dict(zip(("image_0", "image_1"), images, strict=True)) | {
                "label_0": name,
                "label_1": other,
            }
    return {}


def rankings(names: Names) -> Columns:
    """Lists of images and of ranks, as ImageReward has them."""
    images, ranks = names.first(*IMAGE_LISTS), names.first(*RANK_LISTS)
    if not names.holds(images, "list") or not names.holds(ranks, "list"):
        return {}
    return {"images": images, "ranks": ranks}


def ranked_rows(names: Names) -> Columns:
    """An image and its rank in each row, those of a prompt together."""
    image, rank = names.first("image", "image_path", "file_name"), names.first("rank", "ranking")
    group = names.first("prompt_id", "group", "group_id", *PROMPTS)
    return {"image": image, "rank": rank, "group": group} if image and rank and group else {}


def label_studio(names: Names) -> Columns:
    """Tasks with annotations or completions, or the shorter form with what was selected."""
    answers = names.first("annotations", "completions")
    if answers and names.has("data"):
        images = names.pair(PAIRS, within="data") or first_images(names, "data.")
        if not images:
            return {}
        return {
            "image_0": images[0],
            "image_1": images[1],
            "answer": answers,
            "prompt": names.last_word(*PROMPTS, within="data"),
            "annotator": "",
            "given": "",
        }
    selected = names.last_word("selected").removesuffix(".selected")
    if not selected and names.has("annotation_id"):
        selected = next((name for name, kind in names.cells.items() if kind == "list"), "")
    images = names.pair(PAIRS)
    if not selected or not images:
        return {}
    return {"image_0": images[0], "image_1": images[1], "answer": selected}


def first_images(names: Names, within: str) -> tuple[str, str] | None:
    """Return the first two texts in an object whose names speak of images; None for fewer."""
    told = [
        name
        for name in names.cells
        if name.startswith(within)
        and any(word in name.lower() for word in ("im", "url", "left", "right"))
    ]
    return (told[0], told[1]) if len(told) > 1 else None


def argilla(names: Names) -> Columns:
    """Records with responses, as Argilla exports them to JSON, or to columns."""
    within = next((name for name in ("fields", "images") if names.has(name)), "")
    # Without an object for its fields only the names of its answers tell that it is Argilla's.
    images = names.pair(PAIRS, within=within)
    answer = next(answer_columns(names), "")
    if not images or not answer:
        return {}
    more = [image for image in numbered(images[1], names)]
    users = f"{answer}.users"
    return {
        "image_0": images[0],
        "image_1": images[1],
        **{f"image_{place}": name for place, name in enumerate(more, 2)},
        "answer": answer,
        "annotator": users if users in names.cells else "",
        "statuses": f"{answer}.status" if f"{answer}.status" in names.cells else "",
        "prompt": names.last_word(*PROMPTS, within=within) or names.first(*PROMPTS),
        "given": "",
    }


def answer_columns(names: Names) -> Iterator[str]:
    """Yield the columns that may hold the responses to a question."""
    for name in names.cells:
        if name.endswith(".responses") or (name.startswith("responses.") and name.count(".") == 1):
            yield name
    for name, kind in names.cells.items():
        if kind == "object" and {f"{name}.user_id", f"{name}.value"} <= names.cells.keys():
            yield name


def numbered(second: str, names: Names) -> Iterator[str]:
    """Yield the images after the second one: image_3 and so on after image_2."""
    stem, last = second.rstrip("0123456789"), second[len(second.rstrip("0123456789")) :]
    for number in range(int(last or 0) + 1, int(last or 0) + MOST_IMAGES - 1):
        if not last or f"{stem}{number}" not in names.cells:
            return
        yield f"{stem}{number}"


def sides(names: Names) -> Columns:
    """A column of the better images and one of the others."""
    found = names.pair(SIDES)
    if found is None or "prompt" in found:
        return {}
    return {
        "chosen": found[0],
        "rejected": found[1],
        "confidence": names.first("confidence"),
        "votes": names.first("choice_dist"),
    }


def imagefolder(names: Names) -> Columns:
    """Names of files beside a metadata file, as image folders have them."""
    return sides(names) if names.has("chosen_file_name", "rejected_file_name") else {}


def labels(names: Names) -> Columns:
    """Two images, and a number for one or both."""
    images, numbers = names.pair(PAIRS), names.pair(LABELS)
    if images is None or numbers is None:
        return {}
    return {
        "image_0": images[0],
        "image_1": images[1],
        "label_0": numbers[0],
        "label_1": numbers[1],
        "has_label": names.first("has_label"),
    }


def answers(names: Names) -> Columns:
    """Two images and a column that says in words which is better."""
    images, answer = names.pair(PAIRS), names.first(*ANSWERS)
    if images is None or not answer or answer in images:
        return {}
    return {"image_0": images[0], "image_1": images[1], "answer": answer}


GUESSES: Mapping[str, Callable[[Names], Columns]] = {
    "pickapic": pickapic,
    "hpd2": hpd2,
    "hpd2_ranks": hpd2_ranks,
    "hpd3": hpd3,
    "rapidata": rapidata,
    "label_studio": label_studio,
    "argilla": argilla,
    "imagereward": rankings,
    "imagefolder": imagefolder,
    "chosen_rejected": sides,
    "labels": labels,
    "answers": answers,
    "imagereward_rows": ranked_rows,
}
"""By layout, those with the clearest signs first."""
