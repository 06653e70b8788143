"""Import weights that were trained elsewhere: a LoRA file, or the UNet of a tuned pipeline.

Both are checked against the base's shapes before anything is written. A LoRA becomes a file in
diffusers' form whose alpha is its rank, so that rendering, exporting and further training agree on
its strength. So does every adapter that equals a LoRA; any other becomes the base's UNet with the
adapter added.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from align.client.architectures.names import strip_prefixes
from align.client.single_file.configs import SCHEDULER
from align.client.single_file.model_config import model_config
from align.client.weight_files import read_header
from align.contracts.models import ModelInfo
from align.contracts.weights import ImportedWeights, WeightFacts
from align.errors import (
    BrokenModel,
    DiskFull,
    ModelNotFound,
    NotImportable,
    first_line,
    is_disk_full,
)
from align.families.family import DenoiserNetwork
from align.families.lookup import family_of
from align.files import read_json, replacing
from align.weights.full import WEIGHTS_KEY, WHOLE_UNET
from align.weights.lora_formats import read_lora

UNREADABLE = (
    OSError,
    SafetensorError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""Errors that a file of other programs can make its reader raise."""
MAX_WEIGHTS = 30_000
"""Ten times what a LoRA of SDXL has that tunes every layer."""
UNET_FILE_PATTERN = "diffusion_pytorch_model*.safetensors"


def import_file(source: Path, model: ModelInfo, target: Path | None = None) -> ImportedWeights:
    """Check a LoRA file, or a folder of a tuned pipeline, and write it to `target` if there is one.

    Returns its description: kind ("lora" or "whole"), form and SHA-256 of the source; of an adapter
    also its family, its number of layers and the text encoder weights and embeddings that were left
    out; of an adapter that stays a LoRA also its rank and alpha.

    Raises:
        NotImportable: it cannot be read, or was made for another model.
        ModelNotFound: the base is not there.
        DiskFull: there is no room for it.
    """
    unet = build_empty_unet(model)

    try:
        folder = unet_folder(source, family_of(model).denoiser_part)
        if folder is not None:
            files = unet_files(folder)
            check_prediction(source, model)
            weights = read_half_unet(files, unet, source.name, model)
            facts: WeightFacts = {"kind": "whole", "form": "pipeline"}
            metadata = {WEIGHTS_KEY: WHOLE_UNET}
        else:
            files = [lora_file(source)]
            facts, weights, metadata = read_one_file(files[0], unet, model)

        check_finite(weights, source.name)
        if target is not None:
            target.parent.mkdir(parents=True, exist_ok=True)
            with replacing(target) as scratch:
                save_file(weights, scratch, {"format": "pt"} | metadata)

    except UNREADABLE as error:
        if is_disk_full(error):
            raise DiskFull(
                f"The disk is full: {source.name} was not taken in. Free some space and try again."
            ) from error
        raise NotImportable(
            f"{source.name} cannot be read ({first_line(error)}). Copy or download it again."
        ) from error
    return {**facts, "sha256": digest_of(files)}


def build_empty_unet(model: ModelInfo) -> DenoiserNetwork:
    """Build the model's UNet on the meta device, without weights; raises ModelNotFound."""
    family = family_of(model)
    try:
        if model.file is not None:
            config = model_config(model, f"{family.denoiser_part}/config.json") or {}
        else:
            load_config = family.denoiser_class.load_config
            config = load_config(model.load_path, subfolder=family.denoiser_part)
    except (OSError, ValueError) as error:
        raise ModelNotFound(
            f"The UNet of {model.name} is not on this machine ({first_line(error)}). Check the "
            "base, then try again."
        ) from error
    with torch.device("meta"):
        return family.build_denoiser(config)


def unet_folder(source: Path, part: str) -> Path | None:
    """Return the folder of a pipeline's, or a lone, UNet's weights; None for a LoRA."""
    for folder in (source / part, source):
        if (folder / "config.json").is_file() and any(folder.glob(UNET_FILE_PATTERN)):
            return folder
    return None


def lora_file(source: Path) -> Path:
    """Return the only safetensors file of a path; raises NotImportable where there is not one."""
    if source.is_dir():
        files = sorted(source.glob("*.safetensors"))
        if len(files) != 1:
            raise NotImportable(
                f"{source.name} holds {len(files)} safetensors files and no UNet. Name the LoRA's "
                "file, or a pipeline folder with unet/ in it."
            )
        return files[0]
    if not source.exists():
        raise NotImportable(f"There is nothing at {source}. Check the path.")
    if not source.is_file():
        # Opening a pipe would wait for ever.
        raise NotImportable(f"{source.name} is not a regular file. Name a LoRA's file.")
    return source


def unet_files(folder: Path) -> list[Path]:
    """Return the files of a UNet's weights, those in half precision where there are some."""
    files = sorted(folder.glob(UNET_FILE_PATTERN))
    half = [file for file in files if ".fp16." in file.name]
    return half or [file for file in files if ".non_ema." not in file.name]


def read_half_unet(
    files: list[Path], unet: DenoiserNetwork, title: str, model: ModelInfo
) -> dict[str, Tensor]:
    """Read a UNet's weights in half precision; raises NotImportable for another shape."""
    weights: dict[str, Tensor] = {}
    for file in files:
        weights |= read_tensors(file)
    weights = {strip_prefixes(name): weight for name, weight in weights.items()}
    check_shapes(weights, {n: w.shape for n, w in unet.state_dict().items()}, title, model)
    return {name: weight.half().contiguous() for name, weight in weights.items()}


def check_prediction(source: Path, model: ModelInfo) -> None:
    """Raise NotImportable for a UNet of another prediction type than the base's scheduler."""
    known = model_config(model, SCHEDULER) or {}
    kinds = [prediction_of(source), known.get("prediction_type")]
    if None not in kinds and kinds[0] != kinds[1]:
        raise NotImportable(
            f"{source.name} predicts {kinds[0]} and {model.name} {kinds[1]}. Start Palate with "
            "--model on that folder instead."
        )


def prediction_of(folder: Path) -> str | None:
    """Return the prediction type of a pipeline folder; None where its scheduler names none."""
    config = read_json(folder / "scheduler" / "scheduler_config.json")
    return config.get("prediction_type") if isinstance(config, dict) else None


def read_one_file(
    path: Path, unet: DenoiserNetwork, model: ModelInfo
) -> tuple[WeightFacts, dict[str, Tensor], dict[str, str]]:
    """Read an adapter of any kind, full weights that Palate wrote, or a UNet's file by itself.

    Returns its description, its weights in one of the app's two forms, and their metadata.
    """
    try:
        header = read_header(path)
    except BrokenModel as error:
        raise NotImportable(str(error).replace(str(path), path.name)) from None
    if len(header) > MAX_WEIGHTS:
        raise NotImportable(
            f"{path.name} holds {len(header):,} weights, and no adapter for {model.name} has more "
            f"than {MAX_WEIGHTS:,}. Bring another file."
        )

    metadata = read_metadata(path)
    shapes = {name: weight.shape for name, weight in unet.state_dict().items()}
    if metadata.get(WEIGHTS_KEY) == WHOLE_UNET:
        weights = read_tensors(path)
        check_shapes(weights, shapes, path.name, model)
        return {"kind": "whole", "form": "palate"}, weights, {WEIGHTS_KEY: WHOLE_UNET}
    if len(header) == len(shapes) and shapes.keys() == {*map(strip_prefixes, header)}:
        weights = read_half_unet([path], unet, path.name, model)
        return {"kind": "whole", "form": "unet"}, weights, {WEIGHTS_KEY: WHOLE_UNET}
    return read_lora(path, {n: t.shape for n, t in header.items()}, metadata, unet, model)


def read_metadata(path: Path) -> dict[str, str]:
    """Read the metadata of a safetensors file."""
    with safe_open(path, framework="pt") as file:
        return dict(file.metadata() or {})


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Read every tensor of a safetensors file."""
    with safe_open(path, framework="pt") as file:
        return {key: file.get_tensor(key) for key in file.keys()}


def check_shapes(
    weights: dict[str, Tensor], expected: dict[str, torch.Size], title: str, model: ModelInfo
) -> None:
    """Raise NotImportable for a UNet of another shape."""
    missing = sorted(set(expected) - set(weights)) or sorted(set(weights) - set(expected))
    if missing:
        raise NotImportable(
            f"{title} holds another UNet than {model.name}'s: they differ in {missing[0]}, and in "
            f"{len(missing)} weights in all."
        )

    for name, shape in expected.items():
        if weights[name].shape != shape:
            raise NotImportable(
                f"{title} holds another UNet than {model.name}'s: its {name} is "
                f"{tuple(weights[name].shape)}, not {tuple(shape)}."
            )


def check_finite(weights: dict[str, Tensor], title: str) -> None:
    """Raise NotImportable for weights that are infinite or NaN."""
    for name, weight in weights.items():
        if not weight.isfinite().all():
            raise NotImportable(
                f"{title} holds weights that are no finite numbers, first in {name}. It is broken, "
                "or too large for half precision."
            )


def digest_of(files: list[Path]) -> str:
    """Return the SHA-256 of the files, one after the other."""
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()
