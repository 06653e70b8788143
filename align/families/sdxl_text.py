"""SDXL's text conditioning: two CLIP encoders side by side, and the second one's pooled output.

Shapes: B prompts, S tokens, D text width of both encoders, E pooled width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import StableDiffusionXLPipeline
from torch import Tensor

from align.errors import InvalidSettings
from align.families.prompt_chunks import Chunk, chunks_of, token_ids, weigh

MAX_REPEATED = 4
"""Texts are repeated up to so many times the longest of them, and filled up beyond that."""
TRAINED_LAYER = 2
"""Counted from the last one as AUTOMATIC1111 counts: the layer that SDXL was trained with."""


@dataclass(frozen=True)
class EncodedTexts:
    """Prompts of any length, encoded."""

    rows: list[Tensor]
    """[S, D] for each prompt: the rows of its chunks, one after the other."""
    pooled_BE: Tensor
    """Of each prompt's first chunk."""


def encode_texts(
    pipeline: StableDiffusionXLPipeline, prompts: Sequence[str], clip_skip: int
) -> EncodedTexts:
    """Encode prompts, every first chunk in one pass, then every second one, and so on.

    Prompts of one chunk without weights come out as the pipeline's own `encode_prompt` makes them,
    whatever the others are. `clip_skip` is counted as AUTOMATIC1111 counts it, and used as Forge
    uses it: 1 and 2 are the layer that SDXL was trained with, 3 is the one before it.

    Raises:
        InvalidSettings: the encoders have fewer layers than are to be skipped.
    """
    chunks = [_chunks(tokenizer, prompts) for tokenizer, _ in _encoders(pipeline)]
    counts = [max(map(len, of_prompt)) for of_prompt in zip(*chunks, strict=True)]
    rows: list[list[Tensor]] = [[] for _ in prompts]
    pooled_BE = torch.empty(0)

    for place in range(max(counts)):
        present = [number for number, count in enumerate(counts) if count > place]
        batches = [[_chunk(of[number], place) for number in present] for of in chunks]
        text_BSD, pooled = _encode_chunks(pipeline, batches, clip_skip)
        pooled_BE = pooled_BE if place else pooled
        for number, text_SD in zip(present, text_BSD, strict=True):
            rows[number].append(text_SD)
    return EncodedTexts([torch.cat(parts) for parts in rows], pooled_BE)


def chunk_counts(pipeline: StableDiffusionXLPipeline, prompts: Sequence[str]) -> list[int]:
    """Return the number of chunks of each prompt."""
    chunks = [_chunks(tokenizer, prompts) for tokenizer, _ in _encoders(pipeline)]
    return [max(map(len, of_prompt)) for of_prompt in zip(*chunks, strict=True)]


def call_inputs(
    pipeline: StableDiffusionXLPipeline,
    prompts: Sequence[str],
    negative_prompt: str,
    guidance: float,
    clip_skip: int,
) -> dict[str, Tensor]:
    """Return the arguments of the pipeline's call that stand for texts."""
    texts = encode_texts(pipeline, prompts, clip_skip)

    def empty() -> Tensor:
        return encode_texts(pipeline, [""], clip_skip).rows[0]

    # Distilled UNets take the guidance as an embedding instead.
    if guidance <= 1 or pipeline.unet.config.time_cond_proj_dim is not None:
        return {
            "prompt_embeds": bring_to_one_length(texts.rows, empty),
            "pooled_prompt_embeds": texts.pooled_BE,
        }

    if negative_prompt or not pipeline.config.force_zeros_for_empty_prompt:
        # As many as prompts: a batch of another size would change the last bits.
        against = encode_texts(pipeline, [negative_prompt] * len(prompts), clip_skip)
    else:
        zeros = [torch.zeros_like(text_SD) for text_SD in texts.rows]
        against = EncodedTexts(zeros, torch.zeros_like(texts.pooled_BE))
    both = bring_to_one_length([*texts.rows, *against.rows], empty)
    return {
        "prompt_embeds": both[: len(prompts)],
        "negative_prompt_embeds": both[len(prompts) :],
        "pooled_prompt_embeds": texts.pooled_BE,
        "negative_pooled_prompt_embeds": against.pooled_BE,
    }


def bring_to_one_length(rows: Sequence[Tensor], empty: Callable[[], Tensor]) -> Tensor:
    """Stack rows [S, D], each repeated as a whole until all are of one length.

    Cross-attention weighs its tokens by a softmax, so that a text twice over gives what the text
    gives: unlike padding it needs no mask, which the pipeline's call does not take. ComfyUI does
    the same. Where that takes too many repetitions, shorter ones are filled up with the chunk of
    an empty text that `empty` returns, as AUTOMATIC1111 and compel do.
    """
    longest, length = max(map(len, rows)), math.lcm(*map(len, rows))
    if length > MAX_REPEATED * longest:
        empty_SD = empty()
        short = [(longest - len(row)) // len(empty_SD) for row in rows]
        pairs = zip(rows, short, strict=True)
        return torch.stack([torch.cat([row, empty_SD.repeat(count, 1)]) for row, count in pairs])
    return torch.stack([row.repeat(length // len(row), 1) for row in rows])


def _encoders(pipeline: StableDiffusionXLPipeline) -> list[tuple[Any, Any]]:
    """Return the tokenizers with their encoders; models may lack the first of them."""
    both = (
        (pipeline.tokenizer, pipeline.text_encoder),
        (pipeline.tokenizer_2, pipeline.text_encoder_2),
    )
    return [(tokenizer, encoder) for tokenizer, encoder in both if encoder is not None]


def _chunks(tokenizer: Any, prompts: Sequence[str]) -> list[list[Chunk]]:
    """Return the chunks of each prompt for one encoder."""
    return [chunks_of(prompt, tokenizer, tokenizer.model_max_length) for prompt in prompts]


def _chunk(chunks: Sequence[Chunk], place: int) -> Chunk:
    """Return a chunk, an empty one after the last: tokenizers may count differently."""
    return chunks[place] if place < len(chunks) else Chunk()


def _encode_chunks(
    pipeline: StableDiffusionXLPipeline, batches: Sequence[Sequence[Chunk]], clip_skip: int
) -> tuple[Tensor, Tensor]:
    """Return text [B, S, D] of both encoders, and the pooled output [B, E] of the last one."""
    texts, pooled = [], torch.empty(0)
    for (tokenizer, encoder), batch in zip(_encoders(pipeline), batches, strict=True):
        ids_BS = token_ids(batch, tokenizer, tokenizer.model_max_length).to(encoder.device)
        output = encoder(ids_BS, output_hidden_states=True)
        texts.append(weigh(_layer(output.hidden_states, clip_skip), batch))
        # Only the second encoder has a projection, whose output comes first.
        pooled = output[0] if output[0].ndim == 2 else pooled
    text_BSD = torch.cat(texts, dim=-1)
    return text_BSD.to(pipeline.text_encoder_2.dtype), pooled


def _layer(hidden_states: Sequence[Tensor], clip_skip: int) -> Tensor:
    """Return the output of a layer, counted from the last one."""
    if clip_skip > len(hidden_states):
        raise InvalidSettings(
            f"Clip skip {clip_skip} is more than this model's text encoder has layers. Take at "
            f"most {len(hidden_states)}; 1 and 2 are what SDXL was trained with."
        )
    return hidden_states[-max(TRAINED_LAYER, clip_skip)]
