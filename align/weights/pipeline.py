"""Load a pipeline: the embedded one, a folder or a hub name, all by the same code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import diffusers
import torch
import transformers
from diffusers import LCMScheduler
from safetensors import SafetensorError, safe_open

from align.adapters.lora import fuse
from align.client.hub import Hub, download
from align.client.load_errors import model_load_error
from align.client.models import FEW_STEP_SEGMENTS, HUB_NAME, describe_model
from align.client.single_file.model_config import scheduler_config
from align.client.single_file.vae import VAE
from align.client.weight_files import weight_files
from align.contracts.models import ModelInfo
from align.device import Compute
from align.errors import AlignError, BrokenModel, ModelNotFound, WrongModel, first_line
from align.families.family import Pipeline
from align.families.lookup import family_of
from align.files import read_json
from align.weights.library_logs import collect_logs, logged_reason
from align.weights.single_file import VAE_FORMAT, load_checkpoint, load_vae


def load_pipeline(
    model: ModelInfo,
    compute: Compute,
    loras: Sequence[tuple[str, float]] = (),
    place: Callable[[Pipeline], None] | None = None,
) -> Pipeline:
    """Load the pipeline of a model on its device, frozen and in evaluation mode.

    `loras` are files with weights that are merged into its denoiser, for good. `place` moves the
    pipeline from main memory to the device; left out, all of it goes there.

    Raises:
        ModelUnavailable: it cannot be loaded just now: no network, a full disk, no memory.
        ModelNotFound: the hub has no such model, or access to it is restricted.
        BrokenModel: weights or configurations that do not fit together.
    """
    with collect_logs() as logged:
        try:
            return _load(model, compute, loras, place)
        except AlignError:
            raise
        except Exception as error:
            raise model_load_error(model.name, error, logged_reason(error, logged)) from error


def _load(
    model: ModelInfo,
    compute: Compute,
    loras: Sequence[tuple[str, float]],
    place: Callable[[Pipeline], None] | None,
) -> Pipeline:
    pipeline = _from_pretrained(model, compute)
    _check_vocabularies(model, pipeline)
    if model.few_steps:
        apply_few_step_adapter(pipeline, model.load_path, model.few_steps)
    for file, weight in loras:
        merge_lora(pipeline, Path(file), weight)
    pipeline.set_progress_bar_config(disable=True)

    family = family_of(model)
    for name in family.parts:
        getattr(pipeline, name).requires_grad_(False).eval()
    if place is None:
        family.to_device(pipeline, compute)
    else:
        place(pipeline)
    # On the device, where a pass over all weights costs least.
    for name in family.parts:
        if bad := first_nonfinite_parameter(getattr(pipeline, name)):
            raise BrokenModel(
                f"{model.name} holds weights that are no numbers, first in {name}.{bad}. Copy or "
                "download it again."
            )
    return pipeline


def _check_vocabularies(model: ModelInfo, pipeline: Pipeline) -> None:
    """Raise BrokenModel for tokenizers without their vocabulary, which transformers accepts."""
    for tokenizer, encoder in family_of(model).tokenizers.items():
        words = len(getattr(pipeline, tokenizer))
        meant = getattr(pipeline, encoder).config.vocab_size
        # Some encoders have room for more; less than half is a file that is missing or cut short.
        if words < meant / 2:
            raise BrokenModel(
                f"{model.name} cannot read prompts, since its {tokenizer} knows {words:,} of "
                f"{meant:,} words: copy or download the files of that folder again."
            )


def first_nonfinite_parameter(part: torch.nn.Module) -> str | None:
    """Return the name of the first parameter with a NaN or an infinity in it."""
    for name, weight in part.named_parameters():
        # A sum is as finite as its terms, and takes a pass without a copy; half overflows in it.
        if not torch.isfinite(weight.sum(dtype=torch.float32)):
            return name
    return None


def _resolve_doubt(model: ModelInfo) -> ModelInfo:
    """Describe a hub model again that could not be looked up when it was named.

    Raises:
        WrongModel: it is of another kind than was guessed, so its settings would be wrong.
    """
    if not model.doubt:
        return model
    now = describe_model(model.path, vae=model.vae, prediction=model.prediction)
    if now.doubt:
        return model

    for fact in ("preset", "width", "height", "steps", "guidance"):
        if getattr(now, fact) != getattr(model, fact):
            raise WrongModel(
                f"{model.name} is another kind of model than it was taken for: its {fact} is "
                f"{getattr(now, fact)}, not {getattr(model, fact)}. It could not be looked up "
                f"before ({model.doubt}). Restart Palate, which knows it now."
            )
    return now


def _from_pretrained(model: ModelInfo, compute: Compute) -> Pipeline:
    """Load from the folder, after downloading missing files of the commit that was described."""
    model = _resolve_doubt(model)
    if model.file is not None:
        return load_checkpoint(model, compute.weights)
    family = family_of(model)
    location = Path(model.load_path)
    formats = {"default": compute.weights, VAE: VAE_FORMAT}
    if not location.is_dir() and HUB_NAME.fullmatch(model.path):
        location = download(Hub.of_environment(), model.path, model.revision, family.parts)
    loaded_parts = _load_separately(location, family.parts, formats) if location.is_dir() else {}
    if model.vae is not None:
        own = read_json(location / VAE / "config.json") or {}
        loaded_parts[VAE] = load_vae(model.vae, own, VAE_FORMAT)
    pipeline = family.pipeline_class.from_pretrained(
        location, **loaded_parts, dtype=formats, use_safetensors=True
    )
    if model.prediction is not None:
        wanted = scheduler_config(model, dict(pipeline.scheduler.config))
        pipeline.scheduler = type(pipeline.scheduler).from_config(wanted)
    return pipeline


def _load_separately(
    folder: Path, stems: Mapping[str, str], formats: Mapping[str, torch.dtype]
) -> dict[str, torch.nn.Module]:
    """Load the parts that a pipeline's own loader would not load, or not correctly.

    Parts with a variant, since a folder may mix variants; and text encoders, to see which weights
    are missing: transformers initializes those at random, with no more than a warning.

    Raises:
        BrokenModel: a text encoder's file lacks weights.
    """
    index = read_json(folder / "model_index.json")
    parts = {}
    for part, chosen in weight_files(folder, stems).items():
        library, kind = index[part]
        source = transformers if library == "transformers" else diffusers
        if not chosen.variant and source is diffusers:
            continue
        load = getattr(source, kind).from_pretrained
        parts[part], found = load(
            folder,
            subfolder=part,
            variant=chosen.variant,
            output_loading_info=True,
            dtype=formats.get(part, formats["default"]),
            use_safetensors=True,
        )
        if missing := sorted(found["missing_keys"]):
            raise BrokenModel(
                f"{folder.name} lacks {len(missing):,} weights of its {part}, such as "
                f"{missing[0]}. Copy or download the files of that folder again."
            )
    return parts


def apply_few_step_adapter(pipeline: Pipeline, folder: str, file: str) -> None:
    """Fuse a few-step adapter into the weights, and render with its scheduler.

    The result is the base: versions are trained on top of it, as on any distilled model.
    """
    with safe_open(Path(folder) / file, "pt") as opened:
        part = family_of(pipeline).denoiser_part
        fuse(pipeline, part, Path(folder) / file, opened.keys())
    pipeline.scheduler = LCMScheduler.from_config(
        pipeline.scheduler.config, original_inference_steps=FEW_STEP_SEGMENTS
    )


def merge_lora(pipeline: Pipeline, file: Path, weight: float) -> None:
    """Merge a LoRA file into the denoiser's weights, for good.

    Raises:
        ModelNotFound: the file is gone.
        BrokenModel: it is damaged, or made for another model.
    """
    if not file.is_file():
        raise ModelNotFound(f"The LoRA {file.name} under the base is gone. Put it back.")
    try:
        with safe_open(file, "pt") as opened:
            names = opened.keys()
        fuse(pipeline, family_of(pipeline).denoiser_part, file, names, weight)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise BrokenModel(
            f"The LoRA {file.name} under the base is damaged, or made for another model. "
            f"({first_line(error)})"
        ) from error


def quiet_libraries() -> None:
    """Turn off progress bars and hints, in a process whose output is a log file."""
    diffusers.utils.logging.disable_progress_bar()
    diffusers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
