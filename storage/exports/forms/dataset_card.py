"""Dataset cards: README.md, whose head tells `datasets` which columns are images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from storage.exports.pickapic_columns import Column

CARD = "README.md"


def write_card(
    work: Path, columns: Sequence[Column], features: Mapping[str, str], rows: int
) -> None:
    """Write the card of a data set of one split.

    Args:
        work: the folder, whose files are data/train-*.parquet.
        columns: its columns.
        features: the name that `datasets` has for each type of a column.
        rows: the number of its rows.
    """
    head = [
        "---",
        "# license: fill in what you let others do with it, such as cc-by-4.0",
        "task_categories:",
        "- text-to-image",
        "tags:",
        "- preference",
        "- dpo",
        "configs:",
        "- config_name: default",
        "  data_files:",
        "  - split: train",
        "    path: data/train-*.parquet",
        "dataset_info:",
        "  features:",
    ]
    for column in columns:
        head += [f"  - name: {column.name}", f"    dtype: {features[column.type]}"]
    table = "\n".join(f"| `{column.name}` | {column.meaning} |" for column in columns)
    text = [
        *head,
        "---",
        "",
        "# Preferences between images",
        "",
        f"{rows:,} choices between two images of one prompt, given in Palate.",
        "",
        "| column | meaning |",
        "|---|---|",
        table,
        "",
        "```python",
        "from datasets import load_dataset",
        "",
        'choices = load_dataset("path/of/this/folder", split="train")',
        'choices[0]["chosen"]',
        "```",
    ]
    (work / CARD).write_text("\n".join(text) + "\n", encoding="utf-8")
