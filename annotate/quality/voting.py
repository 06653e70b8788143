"""Votes sorted for the statistics: by person, by pair of pictures, by day."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from statistics import median
from typing import Protocol

from annotate.quality.liking import standing_out
from annotate.quality.sides import Share, share, two_sided

FEWEST_OF_A_WORD = 8
SHORTEST_WORD = 3
COMMON = frozenset("and the with for from its his her one two are was has into over under".split())


class Vote(Protocol):
    """What the statistics need to know of a vote; storage's `Given` is one."""

    @property
    def vote_id(self) -> int: ...
    @property
    def pair_id(self) -> str: ...
    @property
    def annotator(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def winner(self) -> str | None: ...
    @property
    def left(self) -> str: ...
    @property
    def right(self) -> str: ...
    @property
    def prompt(self) -> str: ...
    @property
    def response_ms(self) -> int | None: ...
    @property
    def created(self) -> datetime: ...
    @property
    def check(self) -> str | None: ...
    @property
    def of_pair(self) -> str | None: ...


Pictures = tuple[str, str]


def people_of(votes: Iterable[Vote]) -> list[str]:
    """Name everybody who voted, those with most votes first."""
    counts = Counter(vote.annotator for vote in votes)
    return sorted(counts, key=lambda name: (-counts[name], name))


def pictures_of(vote: Vote) -> Pictures:
    """Name both pictures of a vote, always in the same order."""
    first, second = sorted((vote.left, vote.right))
    return first, second


def loser(vote: Vote) -> str:
    """Name the picture that a decisive vote did not choose."""
    return vote.right if vote.winner == vote.left else vote.left


def shared(votes: Iterable[Vote]) -> dict[Pictures, dict[str, Vote]]:
    """For each two pictures, everybody's first vote on them; a skip is none."""
    units: defaultdict[Pictures, dict[str, Vote]] = defaultdict(dict)
    for vote in votes:
        if vote.verdict != "skip":
            units[pictures_of(vote)].setdefault(vote.annotator, vote)
    return dict(units)


def opinions(units: dict[Pictures, dict[str, Vote]]) -> list[dict[str, str]]:
    """What everybody says of shared pictures: first, second or tie."""
    return [
        {person: opinion(vote, pictures) for person, vote in unit.items()}
        for pictures, unit in units.items()
    ]


def opinion(vote: Vote, pictures: Pictures) -> str:
    """What a vote says of two pictures in their fixed order."""
    if vote.winner is None:
        return "tie"
    return "first" if vote.winner == pictures[0] else "second"


def decisions(units: dict[Pictures, dict[str, Vote]]) -> list[dict[str, int]]:
    """What everybody who decided says: 0 or 1, which of the two pictures is better."""
    return [
        {
            person: int(vote.winner == pictures[1])
            for person, vote in unit.items()
            if vote.winner is not None
        }
        for pictures, unit in units.items()
    ]


def repeated(votes: Sequence[Vote]) -> list[tuple[str | None, str | None, bool]]:
    """One person's pairs that were asked twice, as `sides.consistency` wants them."""
    first = {vote.pair_id: vote for vote in votes if vote.check is None}
    pairs = [
        (first[vote.of_pair], vote)
        for vote in votes
        if vote.check == "repeat" and vote.of_pair in first and vote.verdict != "skip"
    ]
    return [(before.winner, again.winner, again.verdict == "left") for before, again in pairs]


def known_answers(votes: Iterable[Vote], gold: dict[str, str]) -> Share:
    """How often somebody chose the better picture where that is known; a tie is no choice."""
    answers = {
        vote.of_pair or vote.pair_id: vote.winner == gold[vote.of_pair or vote.pair_id]
        for vote in votes
        if vote.winner is not None and (vote.of_pair or vote.pair_id) in gold
        and vote.check != "repeat"
    }  # fmt: skip
    return share(sum(answers.values()), len(answers))


def local(moment: datetime) -> datetime:
    """Turn UTC without a zone into the clock on the wall."""
    return moment.replace(tzinfo=UTC).astimezone()


def per_day(votes: Iterable[Vote]) -> dict[str, int]:
    """Count votes by day, days without any between the first and the last one too."""
    counts = Counter(local(vote.created).date() for vote in votes)
    if not counts:
        return {}
    days = range(min(counts).toordinal(), max(counts).toordinal() + 1)
    return {day.isoformat(): counts[day] for day in map(min(counts).fromordinal, days)}


def per_hour(votes: Iterable[Vote]) -> list[int]:
    """Count votes by the hour of the day."""
    counts = Counter(local(vote.created).hour for vote in votes)
    return [counts[hour] for hour in range(24)]


def median_ms(votes: Iterable[Vote]) -> float | None:
    """The middle time that a vote took; None where no page measured it."""
    times = [vote.response_ms for vote in votes if vote.response_ms is not None]
    return float(median(times)) if times else None


def by_prompt(votes: Iterable[Vote]) -> dict[str, list[Vote]]:
    """Sort votes by prompt, those with most first."""
    groups: defaultdict[str, list[Vote]] = defaultdict(list)
    for vote in votes:
        groups[vote.prompt].append(vote)
    return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))


def by_word(votes: Iterable[Vote]) -> list[tuple[str, Share, bool]]:
    """For words of prompts, how often both pictures were called good where it was both or neither,
    and whether that stands out; both pictures of a pair have the same prompt, so no choice says it.
    """
    good: Counter[str] = Counter()
    told: Counter[str] = Counter()
    for vote in votes:
        if vote.verdict in ("both_good", "both_bad"):
            for word in words_of(vote.prompt):
                told[word] += 1
                good[word] += vote.verdict == "both_good"
    words = [word for word in told if told[word] >= FEWEST_OF_A_WORD]
    shares = [share(good[word], told[word]) for word in words]
    tells = standing_out([two_sided(one.count, one.of) for one in shares])
    found = zip(words, shares, tells, strict=True)
    return sorted(found, key=lambda row: (not row[2], -abs((row[1].value or 0.5) - 0.5), row[0]))


def words_of(prompt: str) -> set[str]:
    """The words of a prompt that may say something."""
    plain = "".join(letter if letter.isalnum() else " " for letter in prompt.lower())
    return {word for word in plain.split() if len(word) >= SHORTEST_WORD and word not in COMMON}
