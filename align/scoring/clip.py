"""Scorers on a CLIP from a local folder: PickScore, CLIP score and the LAION aesthetic score.

Shapes: N images, D width of CLIP's shared space.
"""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor
from transformers import CLIPImageProcessorPil, CLIPModel, CLIPTokenizer

from align.contracts.prompt_marks import without_marks
from align.data.image_files import open_rgb
from align.device import Compute
from align.errors import (
    BrokenModel,
    InvalidSettings,
    ModelNotFound,
    WrongModel,
    first_line,
)

BATCH = 16
AESTHETIC_HEAD = "sac+logos+ava1-l14-linearMSE"
AESTHETIC_LAYERS = (0, 2, 4, 6, 7)
"""Indices of the linear layers in the published network; dropout stood between them."""
AESTHETIC_WIDTHS = (1024, 128, 64, 16, 1)

PICKSCORE_SOURCE = (
    "PickScore needs the files of huggingface.co/yuvalkirstain/PickScore_v1 and, in the same "
    "folder or in its subfolder processor/, the tokenizer and preprocessor files of "
    "huggingface.co/laion/CLIP-ViT-H-14-laion2B-s32B-b79K"
)
CLIP_SOURCE = (
    "The CLIP score needs the files of a CLIP, e.g. huggingface.co/openai/clip-vit-base-patch32"
)
AESTHETIC_SOURCE = (
    "The aesthetic score needs the files of huggingface.co/openai/clip-vit-large-patch14 and, in "
    f"the same folder, {AESTHETIC_HEAD}.pth (or .safetensors) of "
    "github.com/christophschuhmann/improved-aesthetic-predictor"
)


def pick_scores(image_ND: Tensor, text_ND: Tensor, logit_scale: Tensor) -> Tensor:
    """Return exp(logit_scale) · cos(image, text): scores_N, in fp32.

    σ of a difference is P(a ≻ b). Kirstain et al. 2023 (arXiv 2305.01569), the scoring function s.
    """
    return logit_scale.float().exp() * _cosine(image_ND, text_ND)


def clip_scores(image_ND: Tensor, text_ND: Tensor) -> Tensor:
    """Return 100 · max(cos(image, text), 0): scores_N, in fp32.

    Hessel et al. 2021 (arXiv 2104.08718), with 100 in place of their w = 2.5, as torchmetrics does.
    """
    return 100.0 * _cosine(image_ND, text_ND).clamp(min=0.0)


def aesthetic_scores(image_ND: Tensor, layers: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Apply linear layers without activations to L2-normalized features: scores_N, in fp32.

    christophschuhmann/improved-aesthetic-predictor, `MLP` and `normalized`. Features that are not
    normalized would score as well, and mean nothing.
    """
    values = _unit(image_ND)
    for weight, bias in layers:
        values = F.linear(values, weight.float(), bias.float())
    return values.squeeze(-1)


def _cosine(image_ND: Tensor, text_ND: Tensor) -> Tensor:
    return (_unit(image_ND) * _unit(text_ND)).sum(dim=-1)


def _unit(features_ND: Tensor) -> Tensor:
    return F.normalize(features_ND.float(), dim=-1)


@dataclass(frozen=True)
class Clip:
    """A CLIP in fp32 with its tokenizer and image processor."""

    model: CLIPModel
    tokenizer: CLIPTokenizer
    images: CLIPImageProcessorPil
    device: torch.device

    @torch.inference_mode()
    def image_features(self, images: Sequence[Path]) -> Tensor:
        """Encode images to features_ND in the shared space, not normalized.

        Raises:
            SnapshotError: a file is not an image.
        """
        features = [torch.zeros(0, self.model.config.projection_dim)]
        for start in range(0, len(images), BATCH):
            batch = [open_rgb(path) for path in images[start : start + BATCH]]
            pixels = self.images(images=batch, return_tensors="pt").pixel_values
            output = self.model.get_image_features(pixel_values=pixels.to(self.device))
            features.append(_projected(output))
        return torch.cat(features)

    @torch.inference_mode()
    def prompt_features(self, prompts: Sequence[str]) -> Tensor:
        """Encode the words of prompts to features_ND, cut off at CLIP's length."""
        texts = [without_marks(prompt) for prompt in prompts]
        features = [torch.zeros(0, self.model.config.projection_dim)]
        for start in range(0, len(texts), BATCH):
            tokens = self.tokenizer(
                texts[start : start + BATCH],
                padding="max_length",
                truncation=True,
                max_length=self.model.config.text_config.max_position_embeddings,
                return_tensors="pt",
            ).to(self.device)
            features.append(_projected(self.model.get_text_features(**tokens)))
        return torch.cat(features)


def _projected(output: Any) -> Tensor:
    """Take features out of CLIP's output: before transformers 5 they came as a plain tensor."""
    features: Tensor = getattr(output, "pooler_output", output)
    return features.float().cpu()


@dataclass(frozen=True)
class PickScore:
    """Scores by a CLIP that was tuned on people's choices between images."""

    clip: Clip
    name: str = "pickscore"
    meaning: str = (
        "How likely people are to choose the image for its prompt; a difference of 1 is a "
        "chance of 73 %."
    )

    def score(self, prompts: Sequence[str], images: Sequence[Path]) -> Tensor:
        """Return scores_N, in fp32; about 20 to 23 with the published weights.

        Raises:
            InvalidSettings: prompts and images differ in number.
            SnapshotError: a file is not an image.
        """
        _check_lengths(prompts, images)
        image_ND = self.clip.image_features(images)
        text_ND = self.clip.prompt_features(prompts)
        return pick_scores(image_ND, text_ND, self.clip.model.logit_scale.cpu())


@dataclass(frozen=True)
class ClipScore:
    """Scores by how well an image fits its prompt."""

    clip: Clip
    name: str = "clip"
    meaning: str = "How well the image fits its prompt, from 0 to 100; it knows nothing of taste."

    def score(self, prompts: Sequence[str], images: Sequence[Path]) -> Tensor:
        """Return scores_N, in fp32, from 0 to 100; raises what `PickScore.score` raises."""
        _check_lengths(prompts, images)
        return clip_scores(self.clip.image_features(images), self.clip.prompt_features(prompts))


@dataclass(frozen=True)
class Aesthetic:
    """Scores by how people rated images like it, whatever the prompt."""

    clip: Clip
    layers: tuple[tuple[Tensor, Tensor], ...]
    """Weight and bias of each linear layer."""
    name: str = "aesthetic"
    meaning: str = "How beautiful people find images like it, from about 1 to 10; prompts ignored."

    def score(self, prompts: Sequence[str], images: Sequence[Path]) -> Tensor:
        """Return scores_N, in fp32; raises what `PickScore.score` raises."""
        _check_lengths(prompts, images)
        return aesthetic_scores(self.clip.image_features(images), self.layers)


def _check_lengths(prompts: Sequence[str], images: Sequence[Path]) -> None:
    if len(prompts) != len(images):
        raise InvalidSettings(f"{len(prompts)} prompts for {len(images)} images.")


def load_clip(folder: Path | None, compute: Compute, source: str) -> Clip:
    """Load a CLIP from a folder as transformers saves it; `source` says where to get one.

    Raises:
        ModelNotFound: a file is missing.
        BrokenModel: a file is damaged or holds another network.
    """
    folder = _existing(folder, source)

    texts = folder / "processor" if (folder / "processor").is_dir() else folder
    # From a folder without these files transformers makes a tokenizer that knows no word.
    if not any((texts / name).is_file() for name in ("tokenizer.json", "vocab.json")):
        raise ModelNotFound(f"{texts} holds no tokenizer.json or vocab.json. {source}.")

    try:
        model = _whole_model(folder, source).to(compute.device)
        tokenizer = CLIPTokenizer.from_pretrained(texts, local_files_only=True)
        images = CLIPImageProcessorPil.from_pretrained(texts, local_files_only=True)
    except OSError as error:
        raise ModelNotFound(f"A file is missing: {first_line(error)} {source}.") from error
    except (ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        raise BrokenModel(f"The CLIP in {folder} cannot be loaded: {first_line(error)}") from error
    return Clip(model, tokenizer, images, compute.device)


def _whole_model(folder: Path, source: str) -> CLIPModel:
    model, found = CLIPModel.from_pretrained(
        folder, local_files_only=True, dtype=torch.float32, output_loading_info=True
    )
    # Missing weights are initialized at random, and their scores would look like any others.
    if found["missing_keys"] or found["mismatched_keys"]:
        raise BrokenModel(f"The weights in {folder} are not those of a whole CLIP. {source}.")
    return model.requires_grad_(False).eval()


def _existing(folder: Path | None, source: str) -> Path:
    if folder is None or not folder.is_dir():
        at = "No folder was given" if folder is None else f"{folder} is not a folder"
        raise ModelNotFound(f"{at}. {source}. Download them and pass their folder.")
    return folder


def _aesthetic_layers(folder: Path) -> tuple[tuple[Tensor, Tensor], ...]:
    files = [folder / f"{AESTHETIC_HEAD}{ending}" for ending in (".safetensors", ".pth")]
    path = next((file for file in files if file.is_file()), None)
    if path is None:
        raise ModelNotFound(f"{folder} holds no {files[1].name}. {AESTHETIC_SOURCE}.")

    try:
        state = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
        layers = tuple(
            (state[f"layers.{index}.weight"], state[f"layers.{index}.bias"])
            for index in AESTHETIC_LAYERS
        )
    except (OSError, KeyError, TypeError, RuntimeError, EOFError, SafetensorError,
            pickle.UnpicklingError) as error:  # fmt: skip
        raise BrokenModel(f"{path} cannot be read: {first_line(error)} Copy it again.") from error

    shapes = [tuple(weight.shape) for weight, _ in layers]
    first = shapes[0][-1]
    if shapes != list(zip(AESTHETIC_WIDTHS, (first, *AESTHETIC_WIDTHS), strict=False)):
        raise BrokenModel(f"{path} is not the network of the aesthetic score. {AESTHETIC_SOURCE}.")
    return layers


def load_pickscore(folder: Path | None, compute: Compute) -> PickScore:
    """Load PickScore, or any CLIP with a logit scale, from a folder.

    Raises:
        ModelNotFound: a file is missing; the error says where it comes from.
        BrokenModel: a file is damaged or holds another network.
    """
    return PickScore(load_clip(folder, compute, PICKSCORE_SOURCE))


def load_clip_score(folder: Path | None, compute: Compute) -> ClipScore:
    """Load the CLIP score of a CLIP from a folder; raises what `load_pickscore` raises."""
    return ClipScore(load_clip(folder, compute, CLIP_SOURCE))


def load_aesthetic(folder: Path | None, compute: Compute) -> Aesthetic:
    """Load the LAION aesthetic score (v2) from a folder with CLIP ViT-L/14 and the small network.

    Raises:
        ModelNotFound: a file is missing; the error says where it comes from.
        BrokenModel: a file is damaged or holds another network.
        WrongModel: the small network was made for features of another width.
    """
    clip = load_clip(folder, compute, AESTHETIC_SOURCE)
    layers = _aesthetic_layers(_existing(folder, AESTHETIC_SOURCE))

    given, wanted = clip.model.config.projection_dim, layers[0][0].shape[1]
    if given != wanted:
        raise WrongModel(
            f"The CLIP in {folder} gives {given} numbers an image, and the aesthetic network "
            f"takes {wanted}. {AESTHETIC_SOURCE}."
        )
    return Aesthetic(clip, layers)
