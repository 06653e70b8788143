"""What people are told about a file of weights: what it is, why it cannot be opened, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from align.client.architectures.families import by_gguf
from align.client.architectures.file_kinds import PICKLE
from align.client.architectures.headers import FileFormat, WeightHeader, read_weight_header
from align.client.architectures.recognize import Contents, Holding, recognize
from align.client.single_file.names import PREFIXES
from align.errors import BrokenModel

GGUF = "is a GGUF file, which Palate cannot train. Use the model's safetensors files."
BY_HOLDING = {
    Holding.ADAPTER: (
        "a LoRA",
        "is a LoRA or a LyCORIS, which needs its model. Start Palate with that model and bring "
        "the file in under Versions.",
    ),
    Holding.AUTOENCODER: (
        "an autoencoder (VAE)",
        "is an autoencoder (VAE), which is a part of a model. Name a checkpoint with --model, and "
        "this file with --vae if its own is to be replaced.",
    ),
    Holding.ENCODER: (
        "a text or image encoder",
        "is a text or image encoder, which is a part of a model. Name a checkpoint that holds a "
        "UNet, too.",
    ),
}
"""Short name and sentence of what is no checkpoint."""
MAX_NAME_CHARACTERS = 80


@dataclass(frozen=True)
class FileKind:
    """What a file is to people."""

    name: str
    """In a few words, such as "SDXL" or "a LoRA"."""
    refusal: str = ""
    """The reason why it cannot be opened as a model, as sentences; empty where it can."""


def kind_of_file(file: Path, title: str | None = None) -> FileKind:
    """Return what a file is, by its header alone, and why it cannot be opened.

    Args:
        file: its path.
        title: what it is called in the sentences; its path if None.
    """
    title = title or str(file)
    try:
        header = read_weight_header(file)
    except BrokenModel as error:
        return FileKind("unreadable", str(error).replace(str(file), title))

    contents = recognize(header.shapes)
    if header.format is FileFormat.SAFETENSORS:
        name, refusal = _of_safetensors(contents, header)
    else:
        name, refusal = _of_other_format(contents, header)
    return FileKind(name, f"{title} {refusal}" if refusal else "")


def describe_file(file: Path) -> str:
    """Return the sentence that refuses a single file that was named as a model."""
    return kind_of_file(file).refusal or f"{file} {_conversion(file)}"


def _of_safetensors(contents: Contents, header: WeightHeader) -> tuple[str, str]:
    """Return the short name of a file of weights, and the end of the sentence that refuses it."""
    if contents.holding in BY_HOLDING:
        return BY_HOLDING[contents.holding]
    if contents.purpose:
        return contents.purpose, (
            f"is {contents.purpose}, which is used beside a model. Name the checkpoint of that "
            "model."
        )

    family = contents.architecture
    if family is None:
        first = next(iter(header.shapes), "nothing")[:MAX_NAME_CHARACTERS]
        return "unknown", (
            f"is a single-file checkpoint of an architecture that Palate does not know: it holds "
            f"{first}. If diffusers knows it as SDXL's, open it there with from_single_file, write "
            "it with save_pretrained, and point --model at that folder."
        )
    if not family.opens:
        return family.name, f"is {_owned(contents)}{family.reason}"
    return family.name, _reason_of_sdxl(contents, header)


def _reason_of_sdxl(contents: Contents, header: WeightHeader) -> str:
    """Return why a file of SDXL's architecture cannot be opened; empty where it can."""
    if header.quantized:
        return (
            f"is {_owned(contents)} stored in {header.quantized}, which is too coarse to train "
            "from. Use its fp16, bf16 or fp32 file."
        )
    if not contents.has_encoders:
        return (
            f"is the UNet of {contents.architecture.name if contents.architecture else 'SDXL'} "
            "alone, without text encoders. Choose the whole checkpoint that it is a part of, "
            "mostly of 6.5 GB."
        )
    return _missing_encoder(header)


def _missing_encoder(header: WeightHeader) -> str:
    """Return what is said of SDXL with one of its two text encoders; empty where it has both."""
    encoders = (PREFIXES["text_encoder"], PREFIXES["text_encoder_2"])
    held = [any(name.startswith(prefix) for name in header.shapes) for prefix in encoders]
    if sum(held) != 1:
        return ""
    which = held.index(False)
    return (
        f"is a checkpoint of SDXL that lacks its {('first', 'second')[which]} text encoder: it "
        f"holds nothing under {encoders[which]} Choose the whole checkpoint that it is a part of, "
        "mostly of 6.5 GB."
    )


def _of_other_format(contents: Contents, header: WeightHeader) -> tuple[str, str]:
    """Return the short name of a pickle or a GGUF file, and the sentence that refuses it."""
    family = contents.architecture or by_gguf(header.called)
    sentence = GGUF if header.format is FileFormat.GGUF else PICKLE
    short = str(header.format)
    if family is None:
        return short, sentence

    name = f"{family.name} ({short})"
    if header.format is FileFormat.GGUF:
        stored = f", stored in {header.quantized}" if header.quantized else ""
        ending = "." if family.opens else family.reason
        return name, f"{sentence} It holds {family.name}{stored}{ending}"
    ending = "." if family.opens else family.reason
    return name, f"{sentence} Its names are those of {family.name}{ending}"


def _owned(contents: Contents) -> str:
    """Return the architecture of a file, and whether it is a whole checkpoint of it."""
    name = contents.architecture.name if contents.architecture else ""
    return f"a checkpoint of {name}" if contents.holding is Holding.CHECKPOINT else name


def _conversion(file: Path) -> str:
    return (
        "is a single-file checkpoint under other names than the published ones. Convert it once: "
        'python -c "from diffusers import StableDiffusionXLPipeline as P; '
        f"P.from_single_file('{file.as_posix()}').save_pretrained('{file.stem}')\", "
        f"then point --model at the folder {file.stem}."
    )
