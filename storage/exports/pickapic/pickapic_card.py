"""Dataset card of Palate's own Parquet, whose head tells `datasets` which files belong together."""

from collections.abc import Mapping

from storage.exports.pickapic_columns import (
    DEFAULT,
    FULL,
    FULL_ONLY,
    OURS,
    PUBLISHED,
    Column,
)

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
"""Categories of sizes, as the hub names them."""


def dataset_card(title: str, rows: Mapping[str, int], with_names: bool) -> str:
    """Return the text of README.md, by the number of rows of each configuration and split."""
    return "\n".join([*head(rows), "", *body(title, rows, with_names)]) + "\n"


def head(rows: Mapping[str, int]) -> list[str]:
    """Return the YAML that names the files of each configuration; an empty split has none."""
    lines = ["---", "task_categories:", "- text-to-image", "tags:", "- preference", "- dpo"]
    lines += ["size_categories:", f"- {category(rows[f'{FULL}/train'])}", "configs:"]
    for configuration in (DEFAULT, FULL):
        lines += [f"- config_name: {configuration}"]
        lines += ["  default: true"] if configuration == DEFAULT else []
        lines += ["  data_files:"]
        for place, number in rows.items():
            of, split = place.split("/")
            if of == configuration and (number or split == "train"):
                lines += [f"  - split: {split}", f"    path: {configuration}/{split}-*.parquet"]
    return [*lines, "---"]


def category(rows: int) -> str:
    """Return the hub's name for a number of rows."""
    return next((name for limit, name in SIZES if rows < limit), "1M<n<10M")


def body(title: str, rows: Mapping[str, int], with_names: bool) -> list[str]:
    """Return the text for people."""
    people = "by name" if with_names else "under pseudonyms"
    counts = "".join(f"\n| {place} | {number:,} |" for place, number in rows.items())
    return [
        f"# {title}",
        "",
        "Choices between images of one prompt, given in Palate, in the columns of Pick-a-Pic. "
        f"Annotators appear {people}.",
        "",
        f"| configuration/split | rows |\n|---|---|{counts}",
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        f'choices = load_dataset("path/of/this/folder", "{DEFAULT}")',
        f'everything = load_dataset("path/of/this/folder", "{FULL}", split="train")',
        "```",
        "",
        f"`{DEFAULT}` is for trainers that read Pick-a-Pic: `label_0` is 1 or 0, both images of a "
        "row have one size, every caption has text, and `validation` has prompts that `train` has "
        "not. A ranking is in it as the pairs that it orders. Votes that are excluded are not in "
        "it.",
        "",
        f"`{FULL}` has every current vote: ties and *both good* and *both bad* with labels of 0.5, "
        "skips without labels, rankings as rows of their own. A trainer that takes all that is not "
        "0 for a win must not read it.",
        "",
        "Which image is first is decided by a hash, not by the vote.",
        "",
        *table("Columns of Pick-a-Pic", PUBLISHED),
        *table("Columns of Palate", OURS),
        *table(f"Columns of `{FULL}` alone", FULL_ONLY),
    ]


def table(title: str, columns: tuple[Column, ...]) -> list[str]:
    """Return a table of columns under a title."""
    lines = [f"| `{each.name}` | {each.type} | {each.meaning} |" for each in columns]
    return [f"## {title}", "", "| column | type | meaning |", "|---|---|---|", *lines, ""]
