"""Prompts of any length and with weights, as SDXL's encoders are given them."""

from __future__ import annotations

import copy

import pytest
import torch

from align.errors import InvalidSettings
from align.families.conditioning import Conditioning, ConditioningRows
from align.families.prompt_chunks import MAX_MOVED_TOKENS, chunks_of
from align.families.sdxl import SDXL

pytestmark = pytest.mark.slow

LONG = ", ".join(["a red apple on a white table, watercolor style"] * 12)


@pytest.fixture
def tokenizer(pipeline):
    return pipeline.tokenizer


@pytest.fixture
def chunks(tokenizer):
    return lambda prompt: chunks_of(prompt, tokenizer, tokenizer.model_max_length)


def encode(pipeline, *prompts, **how):
    return SDXL.encode_prompts(pipeline, prompts, **how)


def test_prompts_that_differ_at_their_end_are_encoded_differently(pipeline):
    night, day = LONG + ", at night", LONG + ", in bright sunshine, a dog"
    encoded = encode(pipeline, night, day)
    first, second = encoded.row(0), encoded.row(1)
    assert len(first["text"]) > pipeline.tokenizer.model_max_length
    assert first["text"].shape != second["text"].shape or not first["text"].equal(second["text"])
    # The pooled output is the first chunk's, which both share.
    assert first["pooled"].equal(second["pooled"])


def test_every_chunk_is_encoded_by_itself(pipeline, tokenizer):
    texts = encode(pipeline, "a red apple BREAK a white table")
    apart = encode(pipeline, "a red apple", "a white table")
    torch.testing.assert_close(texts["text"][0], apart["text"].flatten(0, 1))
    torch.testing.assert_close(texts["pooled"][0], apart["pooled"][0])


def test_a_short_prompt_is_encoded_to_the_bit_as_before_whatever_the_others_are(pipeline):
    prompts = ["a cat", "a red fox", "a slice of pizza"]
    own, _, pooled, _ = pipeline.encode_prompt(prompts, do_classifier_free_guidance=False)
    assert encode(pipeline, *prompts)["text"].equal(own)
    mixed = encode(pipeline, "a cat", "a red fox", LONG)
    for number in range(2):
        assert mixed.row(number)["text"].equal(own[number])
        assert mixed.row(number)["pooled"].equal(pooled[number])


def test_tokens_after_the_last_comma_move_to_the_next_chunk_where_they_are_few(chunks, tokenizer):
    most = tokenizer.model_max_length - 2
    moved = chunks("cat " * (most - 3) + ", " + "cat " * 6)
    assert [len(chunk.tokens) for chunk in moved] == [most - 2, 6]
    # Without a comma, or with one too far back, a chunk is filled.
    assert [len(chunk.tokens) for chunk in chunks("cat " * (most + 4))] == [most, 4]
    early = "cat, " + "cat " * (most - 1)
    assert most - 1 > MAX_MOVED_TOKENS
    assert [len(chunk.tokens) for chunk in chunks(early)] == [most, 1]
    # A comma that begins a chunk moves nothing.
    assert [len(chunk.tokens) for chunk in chunks("cat " * most + ", cat")] == [most, 2]


@pytest.mark.parametrize(
    ("prompt", "lengths"),
    [("", [0]), ("a BREAK cat", [1, 1]), ("BREAK cat", [0, 1]), ("cat BREAK", [1]),
     ("cat BREAK BREAK cat", [1, 0, 1])],
)  # fmt: skip
def test_break_ends_a_chunk(chunks, prompt, lengths):
    assert [len(chunk.tokens) for chunk in chunks(prompt)] == lengths


def test_weights_multiply_the_rows_of_their_words_alone(pipeline, tokenizer):
    plain, heavy = encode(pipeline, "a red cat"), encode(pipeline, "a (red:1.5) [cat]")
    at = [1 + len(tokenizer(text, add_special_tokens=False).input_ids) for text in ("a", "a red")]
    expected = plain["text"].clone()
    expected[:, at[0] : at[1]] *= 1.5
    end = 1 + len(tokenizer("a red cat", add_special_tokens=False).input_ids)
    expected[:, at[1] : end] /= 1.1
    torch.testing.assert_close(heavy["text"], expected)
    assert heavy["pooled"].equal(plain["pooled"])


def test_escaped_brackets_are_words(pipeline):
    escaped = encode(pipeline, r"a cat \(cartoon\)")
    own, *_ = pipeline.encode_prompt(["a cat (cartoon)"], do_classifier_free_guidance=False)
    assert escaped["text"].equal(own)


def test_clip_skip_counts_as_forge_counts(pipeline):
    trained = encode(pipeline, "a red cat")
    assert encode(pipeline, "a red cat", clip_skip=2)["text"].equal(trained["text"])
    skipped = encode(pipeline, "a red cat", clip_skip=3)
    own, *_ = pipeline.encode_prompt(["a red cat"], do_classifier_free_guidance=False, clip_skip=1)
    assert skipped["text"].equal(own)
    with pytest.raises(InvalidSettings, match="Clip skip 9 is more"):
        encode(pipeline, "a red cat", clip_skip=9)


def test_a_long_prompt_renders_as_alone_beside_a_short_one_and_a_long_negative_one(
    pipeline, compute
):
    prompts = ["a red fox BREAK snow", "a red fox"]
    inputs = SDXL.rendering_inputs(pipeline, compute, prompts, "blurry BREAK dull BREAK gray", 4.0)
    assert len({tensor.shape for name, tensor in inputs.items() if "pooled" not in name}) == 1
    how = {"num_inference_steps": 2, "guidance_scale": 4.0, "output_type": "latent"}
    how |= {"width": 128, "height": 128}

    def latents(inputs, seeds):
        generator = [torch.Generator().manual_seed(seed) for seed in seeds]
        return pipeline(**inputs, **how, generator=generator).images

    together = latents(inputs, (1, 2))
    for number, prompt in enumerate(prompts):
        alone = SDXL.rendering_inputs(
            pipeline, compute, [prompt], "blurry BREAK dull BREAK gray", 4.0
        )
        assert alone["prompt_embeds"].shape[1] <= inputs["prompt_embeds"].shape[1]
        image = latents(alone, (number + 1,))[0]
        torch.testing.assert_close(together[number], image, atol=1e-4, rtol=1e-4)


def test_a_text_twice_over_is_to_the_denoiser_what_it_is_once(pipeline):
    once = encode(pipeline, "a red fox")
    twice = Conditioning({**once.tensors, "text": once["text"].repeat(1, 3, 1)})
    assert_same_prediction(pipeline, once, twice)


def test_a_text_that_would_be_repeated_too_often_is_filled_up_with_empty_chunks(pipeline, compute):
    def inputs(chunks, against):
        negative = " BREAK ".join(["dull"] * against)
        prompts = [" BREAK ".join(["fox"] * chunks)]
        return SDXL.rendering_inputs(pipeline, compute, prompts, negative, 4.0)

    rows = pipeline.tokenizer.model_max_length
    filled = inputs(7, 5)
    negative = filled["negative_prompt_embeds"][0]
    assert len(negative) == filled["prompt_embeds"].shape[1] == 7 * rows
    torch.testing.assert_close(negative[5 * rows :], encode(pipeline, "")["text"][0].repeat(2, 1))
    # A few repetitions are made.
    assert inputs(4, 3)["prompt_embeds"].shape[1] == 12 * rows


def test_padding_of_a_shorter_prompt_is_masked(pipeline):
    texts = encode(pipeline, "a red fox", "a cat BREAK snow BREAK night")
    assert texts["text.mask"].sum(dim=1).tolist() == [24, 72]
    first = Conditioning.stack([texts.row(0)])
    predicted = predict(pipeline, texts)
    torch.testing.assert_close(predicted[:1], predict(pipeline, first), atol=1e-5, rtol=1e-5)


def test_rows_of_one_length_are_neither_padded_nor_masked(pipeline):
    texts = encode(pipeline, "a red fox", "a cat BREAK snow", "a dog BREAK rain")
    short, long = texts.rows(slice(0, 1)), texts.rows(torch.tensor([1, 2, 1]))
    assert short.tensors.keys() == long.tensors.keys() == {"text", "pooled"}
    assert (short["text"].shape[1], long["text"].shape[1]) == (24, 48)
    assert texts.rows(torch.tensor([2, 0])).tensors.keys() == {"text", "text.mask", "pooled"}

    stored = ConditioningRows([texts.row(number) for number in range(3)])
    assert [len(row["text"]) for row in stored.stored] == [24, 48, 48]
    assert stored.rows(torch.tensor([0, 0]))["text"].equal(short["text"].repeat(2, 1, 1))
    again = Conditioning.cat([short, long])
    assert again["text.mask"].sum(dim=1).tolist() == [24, 48, 48, 48]
    half = texts.to(torch.device("cpu"), torch.bfloat16).rows(slice(1, 3))
    assert half["text"].shape[1] == 48 and "text.mask" not in half.tensors


def test_a_second_tokenizer_pads_with_its_own_token(pipeline):
    other = copy.deepcopy(pipeline)
    other.tokenizer_2.pad_token = other.tokenizer_2.convert_ids_to_tokens(40)
    own, *_ = other.encode_prompt(["a cat"], do_classifier_free_guidance=False)
    encoded = encode(other, "a cat")["text"]
    assert encoded.equal(own) and not encoded.equal(encode(pipeline, "a cat")["text"])


def predict(pipeline, texts):
    conditioning = SDXL.with_size(texts, SDXL.size_facts((128, 128)))
    channels = pipeline.unet.config.in_channels
    noisy_1CHW = torch.randn(1, channels, 16, 16, generator=torch.manual_seed(3))
    noisy_BCHW = noisy_1CHW.expand(len(texts), -1, -1, -1)
    with torch.no_grad():
        return SDXL.predict(pipeline.unet, noisy_BCHW, torch.tensor(500), conditioning)


def assert_same_prediction(pipeline, one, other):
    torch.testing.assert_close(
        predict(pipeline, one), predict(pipeline, other), atol=1e-5, rtol=1e-5
    )
