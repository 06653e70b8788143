"""Implicit accuracy: the share of pairs that an adapter orders as people did.

Measured on held-out pairs, whose prompts it never saw, and on a probe of those it trained on.

Shapes: B pairs, K noise samples of each.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor

from align.client.planning.costs import HOLDOUT_SAMPLES
from align.contracts.run_files import HoldoutResult, TrainProbeResult
from align.data.batch import Batcher, NoiseSample, pair_errors
from align.data.encode import EncodedPairs
from align.device import Compute
from align.diffusion.losses import implicit_accuracy, preference_logits
from align.diffusion.noise import counter_key
from align.families.family import DenoiserNetwork
from align.training.reference import Reference

MIN_PAIRS_ON_CPU = 8
"""Pairs of a forward pass there, even where training takes fewer."""
ALPHA_HOLDOUT = 0.1
"""Level of the one-sided test whether a version helped: pairs are few, and it decides little."""
ALPHA_FLIPPED = 0.01
"""Level of the test that holds a version back: stricter, as a false alarm costs a good version."""
MAX_EXACT_PAIRS = 1000
"""Of more pairs the number of orders exceeds what a float holds, and its logarithm is taken."""
WORTHWHILE_ACCURACY = 0.75
"""A version that orders so many new pairs right is worth having: "it did not help" is said only
where such a version would hardly have done as badly."""


@dataclass(frozen=True)
class OrderingAccuracy:
    """Accuracy of an adapter on a set of pairs."""

    accuracy_B: Tensor
    """1, 0 or ½ for each pair, by the mean logit of its noise samples."""
    agreement: float
    """Share of all noise samples of all pairs that are ordered as people did: finer, to compare
    steps by."""


class PairAccuracy:
    """Measures implicit accuracy on fixed noise samples of the pairs in `rows`."""

    def __init__(
        self,
        batcher: Batcher,
        reference: Reference,
        rows: list[int],
        micro_batch_size: int,
        kappa: float,
        compute: Compute,
        samples: int = HOLDOUT_SAMPLES,
    ) -> None:
        """`samples` is the number of noise samples of each pair."""
        self._count = samples
        self._batcher = batcher
        self._reference = reference
        self._samples = [NoiseSample(row, index) for row in rows for index in range(samples)]
        # Without gradients there is room for more pairs, and a processor wants them: sixteen
        # images of the embedded model at once take 0.6 of the time of four, each.
        on_cpu = compute.device.type == "cpu"
        self._most = max(micro_batch_size, MIN_PAIRS_ON_CPU) if on_cpu else micro_batch_size
        self._kappa = kappa
        self._compute = compute

    def __len__(self) -> int:
        return len(self._samples) // self._count

    @torch.no_grad()
    def measure(self, unet: DenoiserNetwork, most: int = 0) -> OrderingAccuracy:
        """Compare the UNet with its present weights to the reference.

        `most` is the number of pairs that fit into a forward pass, 0 where all that it takes do.
        """
        batches = self._batcher.micro_batches(self._samples, min(most or self._most, self._most))
        logits = []
        for samples in batches:
            pairs = self._batcher.build(samples)
            errors = pair_errors(unet, pairs, self._compute)
            reference = self._reference.errors(samples, pairs)
            logits.append(preference_logits(*errors, *reference, self._kappa))

        # Batches are of one size each: back to the order of the pairs.
        rows = {sample: row for row, sample in enumerate(chain.from_iterable(batches))}
        order = torch.tensor([rows[sample] for sample in self._samples])
        logits_BK = torch.cat(logits)[order].view(-1, self._count)
        # By the mean over noise samples, as a single one tells little of a pair.
        accuracy_B = implicit_accuracy(logits_BK.mean(dim=1))
        return OrderingAccuracy(accuracy_B, float(implicit_accuracy(logits_BK).mean()))


def holdout_result(accuracy_B: Tensor) -> HoldoutResult:
    """Return the result on held-out pairs, with a one-sided p-value against guessing.

    `helped` is None where too few pairs leave both possible: guessing may do as well, and a version
    worth having as badly. `against` is True where fewer pairs are ordered as people did than
    guessing explains.
    """
    pairs = len(accuracy_B)
    if pairs == 0:
        return {"pairs": 0, "accuracy": None, "p_value": None, "helped": None, "against": False}

    right = float(accuracy_B.sum())
    p_value = binomial_tail(math.floor(right), pairs)
    accuracy, helped = right / pairs, p_value <= ALPHA_HOLDOUT
    missed = math.floor(pairs - right)
    # No help is claimed only where a version worth having would hardly have missed as many.
    unclear = not helped and binomial_tail(missed, pairs, 1 - WORTHWHILE_ACCURACY) > ALPHA_HOLDOUT
    return {
        "pairs": pairs,
        "accuracy": accuracy,
        "p_value": p_value,
        "helped": None if unclear else helped,
        "against": binomial_tail(math.ceil(pairs - right), pairs) <= ALPHA_HOLDOUT,
    }


def train_probe_rows(data: EncodedPairs, pairs: int, seed: int, most: int) -> list[int]:
    """Return rows of at most so many training pairs (the first `pairs`) with a preferred image.

    By a hash of their keys: always the same ones.
    """
    liked_2N = data.liked_2N[:, :pairs]
    decided = torch.nonzero(liked_2N[0] != liked_2N[1]).flatten().tolist()
    # The word in the key is the name that the probe had; another one would choose other pairs.
    order = sorted(decided, key=lambda row: counter_key(seed, "settled", data.keys[row]))
    return order[:most]


def train_probe_result(accuracy_B: Tensor) -> TrainProbeResult:
    """Return the share of training pairs that a version orders against the people.

    `against` is True where they are more than a coin explains: training went the wrong way, for
    the version has seen these pairs.
    """
    pairs = len(accuracy_B)
    if pairs == 0:
        return {"pairs": 0, "flipped": None, "against": False}
    wrong = pairs - float(accuracy_B.sum())
    by_chance = binomial_tail(math.floor(wrong), pairs)
    return {"pairs": pairs, "flipped": wrong / pairs, "against": by_chance <= ALPHA_FLIPPED}


def binomial_tail(least: int, pairs: int, share: float = 0.5) -> float:
    """Return P(X >= `least`) of a binomial X of `pairs` trials with probability `share`."""
    return sum(binomial_probability(k, pairs, share) for k in range(least, pairs + 1))


def binomial_probability(count: int, pairs: int, share: float) -> float:
    """Return P(X = `count`) of a binomial X of `pairs` trials with probability `share`."""
    if pairs <= MAX_EXACT_PAIRS:
        return math.comb(pairs, count) * share**count * (1 - share) ** (pairs - count)
    ways = math.lgamma(pairs + 1) - math.lgamma(count + 1) - math.lgamma(pairs - count + 1)
    return math.exp(ways + count * math.log(share) + (pairs - count) * math.log1p(-share))


def advice(holdout: HoldoutResult, train_accuracy: float) -> str:
    """Advise in a sentence or two what to do next."""
    if holdout["helped"] is None and holdout["pairs"]:
        return "Compare before and after; with more votes more pairs are held out."
    if holdout["helped"] is None:
        return "Compare before and after, and vote on: with 20 votes or more, some are held out."
    if holdout["helped"]:
        return "Compare before and after to see it for yourself."

    if train_accuracy < 0.6:
        return (
            "It hardly fits the pairs it saw either. Try more steps, or vote on pairs that differ "
            "more clearly."
        )
    return (
        "It fits the pairs it saw, but not new ones. Vote on more prompts, and choose by the same "
        "taste throughout."
    )
