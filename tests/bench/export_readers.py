"""Read every form of an export with the programs of others that it is written for.

python tests/bench/export_readers.py --packages DIR

DIR is a site-packages with `datasets`, `label-studio-sdk` and `argilla`; nothing of theirs is in
this repository. A studio with every kind of vote is made and exported in each form. `datasets`
opens what it can open, and its images are compared; Label Studio's converter and Argilla's record
class read what is written and write it again, and Palate's own readers read what they wrote.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/storage")]
sys.path.insert(2, str(ROOT / "tests/storage/exports"))
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

FORMS = ("pairs", "imagefolder", "folders", "jsonl", "csv", "label-studio", "argilla")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True)
    chosen = parser.parse_args()
    sys.path.append(str(chosen.packages))

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HF_HOME"] = scratch
        folders = made_exports(Path(scratch))
        for reader in (
            pairs_with_datasets,
            imagefolder_with_datasets,
            folders_with_datasets,
            tables_with_datasets,
            with_label_studio,
            with_argilla,
        ):
            try:
                print(f"{reader.__name__}: {reader(folders)}")
            except Exception as error:
                first = str(error).strip().splitlines()[:3]
                print(f"{reader.__name__}: {type(error).__name__}: {' '.join(first)}")


def made_exports(scratch: Path) -> dict[str, Path]:
    """Export a studio with every kind of vote in each form."""
    from every_kind import give_every_kind  # noqa: PLC0415
    from storage_making import BASE  # noqa: PLC0415

    from storage import Store  # noqa: PLC0415

    with Store(scratch / "studio") as store:
        store.ensure_base(BASE)
        give_every_kind(store)
        for form in FORMS:
            store.exports.write(form, scratch / form)
    return {form: scratch / form for form in FORMS}


def rows_of(form: str, folder: Path) -> list[Any]:
    """Return the rows of an export as Palate reads them back."""
    from storage.exports.forms.form_list import FORMS as KNOWN  # noqa: PLC0415
    from storage.exports.image_bytes import ImageBytes  # noqa: PLC0415

    return list(KNOWN[form](ImageBytes()).read(folder))


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def undecoded(dataset: Any, *columns: str) -> Any:
    """Return a data set whose images are bytes."""
    datasets = import_module("datasets")

    for column in columns:
        dataset = dataset.cast_column(column, datasets.Image(decode=False))
    return dataset


def bytes_of(cell: dict[str, Any]) -> bytes:
    return cell["bytes"] or Path(cell["path"]).read_bytes()


def pairs_with_datasets(folders: dict[str, Path]) -> str:
    datasets = import_module("datasets")

    datasets.disable_progress_bars()
    known = rows_of("pairs", folders["pairs"])
    rows = datasets.load_dataset(str(folders["pairs"]), split="train")
    for row, expected in zip(rows, known, strict=True):
        assert row["prompt"] == expected[0]
        assert row["chosen"].size == row["rejected"].size == (8, 8)
    for row, expected in zip(undecoded(rows, "chosen", "rejected"), known, strict=True):
        for side, name in (("chosen", expected[1]), ("rejected", expected[2])):
            assert sha256(bytes_of(row[side])) == name.partition(".")[0]
    return f"{len(rows)} rows, {rows.features['chosen']}, {list(rows.features)}"


def imagefolder_with_datasets(folders: dict[str, Path]) -> str:
    datasets = import_module("datasets")

    known = rows_of("imagefolder", folders["imagefolder"])
    told = []
    for name, more in (
        ("imagefolder", {"data_dir": str(folders["imagefolder"])}),
        (str(folders["imagefolder"]), {}),
    ):
        rows = datasets.load_dataset(name, split="train", **more)
        assert [row["prompt"] for row in rows] == [row["prompt"] for row in known]
        for row, expected in zip(undecoded(rows, "chosen", "rejected"), known, strict=True):
            for side in ("chosen", "rejected"):
                assert sha256(bytes_of(row[side])) == Path(expected[f"{side}_file_name"]).stem
        told.append(f"{len(rows)} rows, {rows.features['chosen']}")
    return "; ".join(told)


def folders_with_datasets(folders: dict[str, Path]) -> str:
    datasets = import_module("datasets")

    rows = datasets.load_dataset("imagefolder", data_dir=str(folders["folders"]), split="train")
    named = Counter(rows.features["label"].int2str(row["label"]) for row in rows)
    assert named["chosen"] == named["rejected"] == len(rows_of("folders", folders["folders"]))
    return f"{dict(named)}"


def tables_with_datasets(folders: dict[str, Path]) -> str:
    datasets = import_module("datasets")

    lines = datasets.load_dataset(
        "json", data_files=str(folders["jsonl"] / "votes.jsonl"), split="train"
    )
    known = rows_of("jsonl", folders["jsonl"])
    assert [row["prompt"] for row in lines] == [row["prompt"] for row in known]
    table = datasets.load_dataset(
        "csv", data_files=str(folders["csv"] / "votes.csv"), split="train"
    )
    assert [row["prompt"].removeprefix("'") for row in table] == [row["prompt"] for row in known]
    return f"{len(lines)} lines, {len(table)} rows of CSV"


def read_again(path: Path, images: Path) -> Counter[tuple[str, str, str, str]]:
    """Return the votes that Palate's own readers find in a file with these images beside."""
    from storage.layouts.foreign_votes import ForeignVote  # noqa: PLC0415
    from storage.layouts.found import find_data  # noqa: PLC0415
    from storage.layouts.reading import votes  # noqa: PLC0415

    if not (path.parent / "images").exists():
        shutil.copytree(images, path.parent / "images")
    found = find_data([path])
    read = [vote for vote in votes(found) if isinstance(vote, ForeignVote)]
    return Counter(
        (vote.prompt, vote.kind, *(image.place.file.stem for image in vote.images)) for vote in read
    )


def with_label_studio(folders: dict[str, Path]) -> str:
    converting = import_module("label_studio_sdk.converter")

    folder = folders["label-studio"]
    written = read_again(folder / "tasks.json", folder / "images")
    config = (folder / "label_config.xml").read_text()
    told = []
    for form in ("JSON", "JSON_MIN"):
        out = folder.parent / f"label-studio-{form}"
        out.mkdir()
        converter = converting.Converter(config, str(folder), download_resources=False)
        converter.convert(str(folder / "tasks.json"), str(out), form, is_dir=False)
        (result,) = out.glob("*.json")
        again = read_again(result, folder / "images")
        told.append(f"{form}: {again.total()} of {written.total()} votes come back")
        if again != written:
            lost = Counter(kind for _, kind, *_ in (written - again).elements())
            told.append(f"{form} lacks {dict(lost)}")
    return "; ".join(told)


def with_argilla(folders: dict[str, Path]) -> str:
    argilla = import_module("argilla")

    folder = folders["argilla"]
    written = read_again(folder / "records.json", folder / "images")
    records = [
        argilla.Record.from_dict(record)
        for record in json.loads((folder / "records.json").read_text())
    ]
    out = folder.parent / "argilla-again"
    out.mkdir()
    again = [record.to_dict() for record in records]
    (out / "records.json").write_text(json.dumps(again, default=str))
    back = read_again(out / "records.json", folder / "images")
    assert back == written, (written - back, back - written)
    return f"{len(records)} records, {back.total()} votes come back, {sorted(again[0])}"


if __name__ == "__main__":
    main()
