"""Tables of votes: by person, by prompt, by day and hour, by word of the prompt, by reason."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np

from align.intervals import Proportion, proportion
from annotate.statistics.significance import benjamini_hochberg, binomial_test
from annotate.statistics.vote_columns import (
    BOTH_BAD,
    BOTH_GOOD,
    LEFT,
    NO_CHECK,
    NONE,
    REPEAT,
    SKIP,
    VoteColumns,
)

MIN_VOTES_ON_A_WORD = 8
MIN_WORD_LENGTH = 3
STOP_WORDS = frozenset(
    "and the with for from its his her one two are was has into over under".split()
)
QUARTER_HOUR_S = 900
"""Time zones differ from UTC by whole quarters of an hour, so that no quarter spans two hours."""
MAX_DAYS = 3 * 366
"""Over a longer time, which a wrong clock makes too, days without votes are not listed."""


def people_by_votes(votes: VoteColumns) -> list[str]:
    """Name everybody who voted, those with most votes first."""
    counts = np.bincount(votes.person, minlength=len(votes.people))
    named = [(-int(counts[p]), votes.people[p]) for p in np.flatnonzero(counts).tolist()]
    return [name for _, name in sorted(named)]


def repeated_pairs(votes: VoteColumns) -> list[tuple[int | None, int | None, bool]]:
    """Return one person's pairs that were shown twice, as `side_bias.consistency` takes them."""
    before = np.flatnonzero(votes.check == NO_CHECK)
    before = before[np.argsort(votes.pair[before], kind="stable")]
    again = np.flatnonzero((votes.check == REPEAT) & (votes.verdict != SKIP))

    # Join each repeat with the last vote on the pair that it repeats.
    at = np.searchsorted(votes.pair[before], votes.of_pair[again], side="right") - 1
    found = at >= 0
    again, first = again[found], before[at[found]]
    same = votes.pair[first] == votes.of_pair[again]

    winner = [None if won == NONE else int(won) for won in votes.won]
    return [
        (winner[a], winner[b], bool(votes.verdict[b] == LEFT))
        for a, b in zip(first[same], again[same], strict=True)
    ]


def gold_accuracy(votes: VoteColumns, gold: Mapping[int, bool]) -> Proportion:
    """Return how often somebody chose the better image of gold pairs; ties do not count.

    Args:
        votes: one person's votes.
        gold: for each gold pair, whether its first image is the better one.
    """
    original = np.where(votes.of_pair != NONE, votes.of_pair, votes.pair)
    is_gold = np.isin(original, np.array(list(gold), np.int64))
    rows = np.flatnonzero(is_gold & votes.decisive & (votes.check != REPEAT))
    # The newest answer to each gold pair counts.
    correct = {int(original[row]): bool(votes.won[row]) == gold[int(original[row])] for row in rows}
    return proportion(sum(correct.values()), len(correct))


def votes_per_quarter_hour(votes: VoteColumns) -> dict[datetime, int]:
    """Count votes by quarter of an hour, in local time."""
    quarters, counts = np.unique(votes.second // QUARTER_HOUR_S, return_counts=True)
    return {
        datetime.fromtimestamp(int(quarter) * QUARTER_HOUR_S, UTC).astimezone(): int(count)
        for quarter, count in zip(quarters, counts, strict=True)
    }


def votes_per_day(quarters: Mapping[datetime, int]) -> dict[str, int]:
    """Count votes by day, with a zero for each day without any between the first and the last."""
    counts: Counter[date] = Counter()
    for moment, count in quarters.items():
        counts[moment.date()] += count
    if not counts:
        return {}

    days = range(min(counts).toordinal(), max(counts).toordinal() + 1)
    listed = map(date.fromordinal, days) if len(days) <= MAX_DAYS else sorted(counts)
    return {day.isoformat(): counts[day] for day in listed}


def votes_per_hour(quarters: Mapping[datetime, int]) -> list[int]:
    """Count votes by hour of the day, 0 to 23."""
    counts: Counter[int] = Counter()
    for moment, count in quarters.items():
        counts[moment.hour] += count
    return [counts[hour] for hour in range(24)]


def median_ms(votes: VoteColumns) -> float | None:
    """Return the median response time; None where no page measured it."""
    times = votes.response_ms[votes.response_ms != NONE]
    return float(np.median(times)) if len(times) else None


def prompts_by_votes(votes: VoteColumns, most: int) -> tuple[list[int], int]:
    """Return the indices of the prompts with most votes, and the number of prompts in all."""
    counts = np.bincount(votes.prompt, minlength=len(votes.prompts))
    indices = np.flatnonzero(counts)

    # Sorting all prompts by text would be slow; only those with enough votes can be listed.
    candidates: np.ndarray = indices
    if len(indices) > most:
        least = np.partition(counts[indices], -most)[-most]
        candidates = indices[counts[indices] >= least]
    order = heapq.nsmallest(most, candidates, key=lambda p: (-int(counts[p]), votes.prompts[p]))
    return [int(index) for index in order], len(indices)


def good_rate_by_word(votes: VoteColumns) -> list[tuple[str, Proportion, bool]]:
    """Return, for words of prompts, the share of "both good" among "both good" and "both bad".

    Both images of a pair have the same prompt, so a choice between them says nothing of its words.
    Each word comes with whether it is significant; those are first, then by distance from one half.
    """
    size = len(votes.prompts)
    good_by_prompt = np.bincount(votes.prompt[votes.verdict == BOTH_GOOD], minlength=size)
    bad_by_prompt = np.bincount(votes.prompt[votes.verdict == BOTH_BAD], minlength=size)

    good: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for prompt in np.flatnonzero(good_by_prompt + bad_by_prompt).tolist():
        for word in content_words(votes.prompts[prompt]):
            total[word] += int(good_by_prompt[prompt] + bad_by_prompt[prompt])
            good[word] += int(good_by_prompt[prompt])

    words = [word for word in total if total[word] >= MIN_VOTES_ON_A_WORD]
    shares = [proportion(good[word], total[word]) for word in words]
    rejected = benjamini_hochberg([binomial_test(share.count, share.of) for share in shares])
    found = zip(words, shares, rejected, strict=True)
    return sorted(found, key=lambda row: (not row[2], -abs((row[1].value or 0.5) - 0.5), row[0]))


def content_words(prompt: str) -> set[str]:
    """Return the words of a prompt that may say something: long enough, and no stop words."""
    plain = "".join(letter if letter.isalnum() else " " for letter in prompt.lower())
    return {
        word for word in plain.split() if len(word) >= MIN_WORD_LENGTH and word not in STOP_WORDS
    }


def rows_by_reason(
    votes: VoteColumns, reasons: Sequence[tuple[int, str]]
) -> list[tuple[str, np.ndarray]]:
    """Return each reason with the rows of the votes that give it; the most frequent first.

    Args:
        votes: the votes to look in.
        reasons: ids of votes, each with a reason that was given for it.
    """
    ids_by_reason: dict[str, list[int]] = {}
    for vote_id, reason in reasons:
        ids_by_reason.setdefault(reason, []).append(vote_id)

    found = []
    for reason, ids in ids_by_reason.items():
        rows = np.flatnonzero(np.isin(votes.vote, np.array(ids, np.int64)))
        if len(rows):
            found.append((reason, rows))
    return sorted(found, key=lambda row: (-len(row[1]), row[0]))
