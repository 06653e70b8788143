"""What votes add up to: by person, by prompt, by day, by word."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import numpy as np

from annotate.statistics.attribute_effects import standing_out
from annotate.statistics.side_bias import Share, share, two_sided
from annotate.statistics.vote_columns import (
    BOTH_BAD,
    BOTH_GOOD,
    LEFT,
    NEITHER,
    NONE,
    REPEAT,
    SKIP,
    Columns,
)

FEWEST_OF_A_WORD = 8
SHORTEST_WORD = 3
COMMON = frozenset("and the with for from its his her one two are was has into over under".split())
QUARTER_S = 900
"""Clocks on walls differ from UTC by whole quarters of an hour."""
MOST_DAYS = 3 * 366
"""Over a longer time, which a wrong clock makes too, days without votes are not listed."""


def people_of(votes: Columns) -> list[str]:
    """Name everybody who voted, those with most votes first."""
    counts = np.bincount(votes.person, minlength=len(votes.people))
    named = [
        (-int(counts[place]), votes.people[place]) for place in np.flatnonzero(counts).tolist()
    ]
    return [name for _, name in sorted(named)]


def repeated(votes: Columns) -> list[tuple[int | None, int | None, bool]]:
    """One person's pairs that were asked twice, as `sides.consistency` wants them."""
    before = np.flatnonzero(votes.check == NEITHER)
    before = before[np.argsort(votes.pair[before], kind="stable")]
    again = np.flatnonzero((votes.check == REPEAT) & (votes.said != SKIP))
    at = np.searchsorted(votes.pair[before], votes.of_pair[again], side="right") - 1
    found = at >= 0
    again, first = again[found], before[at[found]]
    same = votes.pair[first] == votes.of_pair[again]
    winner = [None if won == NONE else int(won) for won in votes.won]
    return [
        (winner[a], winner[b], bool(votes.said[b] == LEFT))
        for a, b in zip(first[same], again[same], strict=True)
    ]


def known_answers(votes: Columns, gold: Mapping[int, bool]) -> Share:
    """How often somebody chose the better image where that is known; a tie is no choice."""
    meant = np.where(votes.of_pair != NONE, votes.of_pair, votes.pair)
    asked = (
        np.isin(meant, np.array(list(gold), np.int64)) & votes.decisive & (votes.check != REPEAT)
    )
    rows = np.flatnonzero(asked)
    answers = {int(meant[row]): bool(votes.won[row]) == gold[int(meant[row])] for row in rows}
    return share(sum(answers.values()), len(answers))


def per_quarter(votes: Columns) -> dict[datetime, int]:
    """Count votes by the quarter of an hour on the clock on the wall."""
    quarters, counts = np.unique(votes.second // QUARTER_S, return_counts=True)
    return {
        datetime.fromtimestamp(int(quarter) * QUARTER_S, UTC).astimezone(): int(count)
        for quarter, count in zip(quarters, counts, strict=True)
    }


def per_day(quarters: Mapping[datetime, int]) -> dict[str, int]:
    """Count votes by day, days without any between the first and the last one too."""
    counts: Counter[date] = Counter()
    for moment, count in quarters.items():
        counts[moment.date()] += count
    if not counts:
        return {}
    days = range(min(counts).toordinal(), max(counts).toordinal() + 1)
    listed = map(date.fromordinal, days) if len(days) <= MOST_DAYS else sorted(counts)
    return {day.isoformat(): counts[day] for day in listed}


def per_hour(quarters: Mapping[datetime, int]) -> list[int]:
    """Count votes by the hour of the day."""
    counts: Counter[int] = Counter()
    for moment, count in quarters.items():
        counts[moment.hour] += count
    return [counts[hour] for hour in range(24)]


def median_ms(votes: Columns) -> float | None:
    """The middle time that a vote took; None where no page measured it."""
    times = votes.ms[votes.ms != NONE]
    return float(np.median(times)) if len(times) else None


def prompts_by_votes(votes: Columns, most: int) -> tuple[list[int], int]:
    """Return the prompts with most votes, and how many there are in all."""
    counts = np.bincount(votes.prompt, minlength=len(votes.prompts))
    places = np.flatnonzero(counts)
    if len(places) > most:
        least = np.partition(counts[places], -most)[-most]
        likely = places[counts[places] >= least]
    else:
        likely = places
    order = heapq.nsmallest(most, likely, key=lambda p: (-int(counts[p]), votes.prompts[p]))
    return [int(place) for place in order], len(places)


def by_word(votes: Columns) -> list[tuple[str, Share, bool]]:
    """For words of prompts, how often both images were called good where it was both or neither,
    and whether that stands out; both images of a pair have the same prompt, so no choice says it.
    """
    size = len(votes.prompts)
    of_prompt = np.bincount(votes.prompt[votes.said == BOTH_GOOD], minlength=size)
    bad = np.bincount(votes.prompt[votes.said == BOTH_BAD], minlength=size)
    good: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for place in np.flatnonzero(of_prompt + bad).tolist():
        for word in words_of(votes.prompts[place]):
            told[word] += int(of_prompt[place] + bad[place])
            good[word] += int(of_prompt[place])
    words = [word for word in told if told[word] >= FEWEST_OF_A_WORD]
    shares = [share(good[word], told[word]) for word in words]
    tells = standing_out([two_sided(one.count, one.of) for one in shares])
    found = zip(words, shares, tells, strict=True)
    return sorted(found, key=lambda row: (not row[2], -abs((row[1].value or 0.5) - 0.5), row[0]))


def words_of(prompt: str) -> set[str]:
    """The words of a prompt that may say something."""
    plain = "".join(letter if letter.isalnum() else " " for letter in prompt.lower())
    return {word for word in plain.split() if len(word) >= SHORTEST_WORD and word not in COMMON}


def by_reason(votes: Columns, reasons: Sequence[tuple[int, str]]) -> list[tuple[str, np.ndarray]]:
    """For each reason the places of the votes that give it; the most frequent first."""
    given: dict[str, list[int]] = {}
    for vote_id, reason in reasons:
        given.setdefault(reason, []).append(vote_id)
    found = []
    for reason, ids in given.items():
        rows = np.flatnonzero(np.isin(votes.vote, np.array(ids, np.int64)))
        if len(rows):
            found.append((reason, rows))
    return sorted(found, key=lambda row: (-len(row[1]), row[0]))
