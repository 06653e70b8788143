"""Read Palate's own Parquet with the programs of others that it is written for.

python tests/bench/pickapic_readers.py --packages DIR [--export DIR]
    [--diffusers FILE] [--diffusion-dpo DIR] [--pickscore DIR] [--torchvision DIR]

DIR of --packages is a site-packages with `datasets` and `pyarrow` (and omegaconf and hydra for
PickScore). --diffusers is train_diffusion_dpo_sdxl.py, --diffusion-dpo and --pickscore are
checkouts of those projects; nothing of theirs is in this repository. Their own functions run, cut
out of their files where they are nested in one, on the configuration `default`; what they make of
the rows is compared with what the studio says. Without --export, a studio with every kind of vote
is made and exported.
"""

from __future__ import annotations

import argparse
import ast
import io
import json
import os
import random
import sys
import tempfile
import textwrap
from contextlib import suppress
from importlib import import_module
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/storage")]
os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}

import torch
from PIL import Image

SIZE = 16
TOKENIZER = ROOT / "align/emoji/tokenizer"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--packages", type=Path, required=True)
    parser.add_argument("--export", type=Path)
    parser.add_argument("--diffusers", type=Path)
    parser.add_argument("--diffusion-dpo", type=Path)
    parser.add_argument("--pickscore", type=Path)
    parser.add_argument("--torchvision", type=Path)
    chosen = parser.parse_args()
    sys.path.append(str(chosen.packages))
    if chosen.torchvision:
        stand_in_for_torchvision(chosen.torchvision)

    with tempfile.TemporaryDirectory() as scratch:
        os.environ["HF_HOME"] = scratch
        folder = chosen.export or made_export(Path(scratch))
        read_with_datasets(folder)
        read_with_pyarrow(folder)
        if chosen.diffusers:
            read_with_diffusers(folder, chosen.diffusers)
        if chosen.diffusion_dpo:
            read_with_diffusion_dpo(folder, chosen.diffusion_dpo / "train.py")
        if chosen.pickscore:
            read_with_pickscore(folder, chosen.pickscore)


def made_export(scratch: Path) -> Path:
    """Export a studio with every kind of vote."""
    from every_kind import give_every_kind  # noqa: PLC0415
    from storage_making import BASE  # noqa: PLC0415

    from storage import Store  # noqa: PLC0415

    folder = scratch / "exported"
    with Store(scratch / "studio") as store:
        store.ensure_base(BASE)
        give_every_kind(store)
        store.exports.write("pickapic", folder)
    return folder


def facts_of(folder: Path) -> dict[str, int]:
    """Return the number of rows that an export says it has, by configuration and split."""
    rows: dict[str, int] = json.loads((folder / "palate.json").read_text())["rows"]
    return rows


def read_with_datasets(folder: Path) -> None:
    """Open both configurations by the dataset card, and decode every image."""
    datasets = import_module("datasets")

    datasets.disable_progress_bars()
    known = facts_of(folder)
    assert datasets.get_dataset_config_names(str(folder)) == ["default", "full"]
    for configuration in ("default", "full"):
        splits = datasets.load_dataset(str(folder), configuration)
        found = {f"{configuration}/{name}": len(rows) for name, rows in splits.items()}
        expected = {name: n for name, n in known.items() if name.startswith(configuration) and n}
        assert found == expected, (found, expected)
        for name, rows in splits.items():
            for row in rows:
                for side in ("jpg_0", "jpg_1"):
                    Image.open(io.BytesIO(row[side])).verify()
            assert rows.features["jpg_0"].dtype == "binary", name
    # As a script that knows no configuration opens it.
    assert len(datasets.load_dataset(str(folder), split="train")) == known["default/train"]
    print(f"datasets {datasets.__version__}: opens both configurations, every image decodes")


def read_with_pyarrow(folder: Path) -> None:
    """Read every file in small batches, and look at its groups of rows."""
    pyarrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")

    most = 0
    for path in sorted(folder.glob("*/*.parquet")):
        file = parquet.ParquetFile(path)
        assert file.schema_arrow.field("jpg_0").type == pyarrow.binary()
        assert file.schema_arrow.field("label_0").type == pyarrow.float64()
        assert sum(len(batch) for batch in file.iter_batches(16)) == file.metadata.num_rows
        groups = range(file.metadata.num_row_groups)
        most = max([most, *(file.metadata.row_group(group).num_rows for group in groups)])
    assert most <= 256
    print(f"pyarrow {pyarrow.__version__}: reads every file, groups of at most {most} rows")


def winners(rows: Any) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Return the pixels of the better and of the worse image of each row, scaled to -1 to 1."""
    made = []
    for row in rows:
        sides = [row["jpg_0"], row["jpg_1"]]
        better = sides if row["label_0"] == 1 else sides[::-1]
        made.append(tuple(pixels(content) for content in better))
    return made


def pixels(content: bytes) -> torch.Tensor:
    """Return an image as the trainers have it, at the size that this script asks them for."""
    transforms = import_module("torchvision.transforms")

    image = Image.open(io.BytesIO(content)).convert("RGB")
    resize = transforms.Resize(SIZE, interpolation=transforms.InterpolationMode.BILINEAR)
    ready = transforms.ToTensor()(resize(image))
    return transforms.Normalize([0.5], [0.5])(ready)


def read_with_diffusers(folder: Path, script: Path) -> None:
    """Run the loading, preprocessing and collating of the diffusers script for SDXL."""
    load_dataset = import_module("datasets").load_dataset
    transforms = import_module("torchvision.transforms")
    crop = import_module("torchvision.transforms.functional").crop

    tree = ast.parse(script.read_text())
    main_function = function_of(tree, "main")
    wanted = {"train_resize", "train_crop", "train_flip", "to_tensor", "normalize"}
    parts = [function_of(tree, "tokenize_captions")]
    for node in main_function.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in wanted:
            parts.append(node)
        if isinstance(node, ast.FunctionDef) and node.name in ("preprocess_train", "collate_fn"):
            parts.append(node)

    args = SimpleNamespace(resolution=SIZE, random_crop=False, no_hflip=True)
    space: dict[str, Any] = {"io": io, "torch": torch, "random": random, "Image": Image}
    space |= {"transforms": transforms, "crop": crop, "args": args}
    space |= {"tokenizer_one": tokenizer(), "tokenizer_two": tokenizer()}
    exec(compile(ast.Module(parts, []), str(script), "exec"), space)

    checked = 0
    for split in ("train", "validation"):
        # The script names no configuration.
        rows = load_dataset(str(folder), split=split)
        shown = rows.with_transform(space["preprocess_train"])
        batch = space["collate_fn"]([shown[number] for number in range(len(shown))])
        check_pairs(batch["pixel_values"], rows)
        checked += len(rows)
    print(f"diffusers' SDXL script: {checked} rows, the better image first in each")


def read_with_diffusion_dpo(folder: Path, script: Path) -> None:
    """Run the preprocessing and the filter of ties of the script that came with the paper."""
    load_dataset = import_module("datasets").load_dataset
    transforms = import_module("torchvision.transforms")

    text = script.read_text()
    transform = between(text, "    train_transforms = transforms.Compose(", "    ##### START BIG")
    block = between(text, "    #### START PREPROCESSING/COLLATION ####", "    #### END PREPROC")
    args = SimpleNamespace(train_method="dpo", choice_model="", sdxl=True, resolution=SIZE)
    args.random_crop, args.no_hflip = False, True
    space: dict[str, Any] = {"io": io, "torch": torch, "Image": Image, "args": args}
    space |= {"transforms": transforms}
    exec(compile(transform + block, str(script), "exec"), space)

    checked = 0
    for split in ("train", "validation"):
        rows = load_dataset(str(folder), "default", split=split)
        assert all(label in (0, 1) for label in rows["label_0"])
        shown = rows.with_transform(space["preprocess_train"])
        batch = space["collate_fn"]([shown[number] for number in range(len(shown))])
        assert batch["caption"] == list(rows["caption"])
        check_pairs(batch["pixel_values"], rows)
        checked += len(rows)
    print(f"Diffusion-DPO's script: {checked} rows, the better image first in each")


def check_pairs(values: torch.Tensor, rows: Any) -> None:
    """Compare pairs that a script stacked by channel with what the rows say."""
    for pair, (better, worse) in zip(values, winners(rows), strict=True):
        # Each script has an order of its own for scaling and normalizing.
        assert torch.allclose(pair[:3], better, atol=0.02), "the better image is not the first"
        assert torch.allclose(pair[3:], worse, atol=0.02), "the worse image is not the second"


class LocalProcessor:
    """What PickScore's trainer takes from the hub: a tokenizer, and images as tensors."""

    def __init__(self) -> None:
        self.tokenizer = tokenizer()

    @staticmethod
    def image_processor(image: Image.Image, return_tensors: str) -> dict[str, torch.Tensor]:
        """Return the pixels of one image."""
        assert return_tensors == "pt"
        file = io.BytesIO()
        image.save(file, "PNG")
        return {"pixel_values": pixels(file.getvalue())[None]}


def read_with_pickscore(folder: Path, checkout: Path) -> None:
    """Run PickScore's own data set and its collating, with the settings that filter rows."""
    from accelerate import PartialState  # noqa: PLC0415

    import_module("torchvision.transforms")

    PartialState()
    # The package around it takes more than the data set needs.
    for name in ("trainer", "trainer.datasetss"):
        package = ModuleType(name)
        package.__path__ = [str(checkout / name.replace(".", "/"))]
        sys.modules[name] = package
    path = checkout / "trainer/datasetss/clip_hf_dataset.py"
    module = ModuleType("trainer.datasetss.clip_hf_dataset")
    sys.modules[module.__name__] = module
    # Python 3.11 takes a default only if it has a hash; the file is of before that.
    text = path.read_text().replace(
        "@dataclass\nclass ProcessorConfig", "@dataclass(unsafe_hash=True)\nclass ProcessorConfig"
    )
    exec(compile(text, str(path), "exec"), module.__dict__)
    data_set, settings = module.CLIPHFDataset, module.CLIPHFDatasetConfig
    sys.modules.setdefault("pickapic_readers", sys.modules[__name__])

    checked = 0
    for split in ("train", "validation"):
        config = settings(
            dataset_name=str(folder),
            dataset_config_name="default",
            valid_split_name="validation",
            keep_only_different=True,
            keep_only_with_label=True,
        )
        config.processor = {"_target_": "pickapic_readers.LocalProcessor"}
        data = data_set(config, split)
        batch = data.collate_fn([data[number] for number in range(len(data))])
        assert len(data) == facts_of(folder)[f"default/{split}"]
        for number, (better, worse) in enumerate(winners(data.dataset)):
            first_won = batch["label_0"][number] == 1
            sides = batch["pixel_values_0"][number], batch["pixel_values_1"][number]
            sides = sides if first_won else sides[::-1]
            assert torch.allclose(sides[0], better) and torch.allclose(sides[1], worse)
        assert torch.all(batch["label_0"] + batch["label_1"] == 1)
        assert torch.all(batch["num_example_per_prompt"] >= 1)
        checked += len(data)
    best = settings(dataset_name=str(folder), dataset_config_name="default", only_on_best=True)
    best.processor = {"_target_": "pickapic_readers.LocalProcessor"}
    assert len(data_set(best, "train")) > 0
    print(f"PickScore's data set: {checked} rows, filters and labels as the studio has them")


def tokenizer() -> Any:
    """Return a CLIP tokenizer that is on this machine."""
    from transformers import CLIPTokenizer  # noqa: PLC0415

    return CLIPTokenizer.from_pretrained(TOKENIZER)


def function_of(tree: ast.Module, name: str) -> ast.FunctionDef:
    """Return a function of a module by its name."""
    return next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == name)


def between(text: str, start: str, end: str) -> str:
    """Return the part of a function from one line to another, as if it stood by itself."""
    begin = text.index(start)
    return textwrap.dedent(text[begin : text.index(end, begin)].rstrip() + "\n") + "\n"


def stand_in_for_torchvision(folder: Path) -> None:
    """Make torchvision's transforms importable where its compiled part fits another torch."""
    with suppress(Exception):
        import_module("torchvision")

        return
    for name in [name for name in sys.modules if name.startswith("torchvision")]:
        del sys.modules[name]
    package = ModuleType("torchvision")
    package.__path__ = [str(folder / "torchvision")]
    package.__spec__ = ModuleSpec("torchvision", None, is_package=True)
    package.__version__ = "0"
    sys.modules["torchvision"] = package


if __name__ == "__main__":
    main()
