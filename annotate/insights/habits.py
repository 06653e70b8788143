"""Habits of annotators and agreement between them, as JSON values."""

from collections.abc import Mapping

from annotate.insights.report_source import ReportSource
from annotate.insights.summary import describe_proportion
from annotate.statistics import vote_tables
from annotate.statistics.dawid_skene import Reliability, estimate_reliability
from annotate.statistics.krippendorff import Agreement, alpha_from_counts
from annotate.statistics.side_bias import consistency, side_bias
from annotate.statistics.vote_columns import LEFT, VoteColumns
from annotate.views.voting_habits import AgreementView, HabitsView, HabitView, ReliabilityView

MAX_SHARED_PAIRS = 2000
"""The newest pairs with votes of several people, from which reliability is estimated."""


def describe_habits(source: ReportSource) -> HabitsView:
    """Return habits of each annotator, or of the one person, and agreement between annotators."""
    names = vote_tables.people_by_votes(source.mine)
    # One person's report is about the pairs they voted on, with the votes of others on these.
    units = source.units if source.person is None else source.units.with_person(source.person_index)
    reliability, why = estimate_reliability(units.decisions(MAX_SHARED_PAIRS))
    return {
        "habits": {name: describe_annotator(source.mine.of(name), source.gold) for name in names},
        "agreement": describe_agreement(alpha_from_counts(units.counts(), units.people())),
        "reliability": {
            name: describe_reliability(reliability[name]) for name in names if name in reliability
        },
        "reliability_why": why,
    }


def describe_agreement(agreement: Agreement) -> AgreementView:
    """Return alpha with its interval, and why one of them is missing."""
    return {
        "alpha": agreement.alpha,
        "low": agreement.low,
        "high": agreement.high,
        "pairs": agreement.pairs,
        "people": agreement.people,
        "why": agreement.why,
    }


def describe_reliability(found: Reliability) -> ReliabilityView:
    """Return one annotator's accuracy with its interval."""
    return {
        "accuracy": found.accuracy,
        "low": found.low,
        "high": found.high,
        "shared": found.shared,
    }


def describe_annotator(votes: VoteColumns, gold: Mapping[int, bool]) -> HabitView:
    """Return one annotator's habits: sides, repeats, gold pairs and pace."""
    sides = side_bias((votes.verdict[votes.decisive] == LEFT).tolist())
    twice = consistency(vote_tables.repeated_pairs(votes))

    return {
        "votes": len(votes),
        "median_ms": vote_tables.median_ms(votes),
        "left": describe_proportion(sides.left),
        "leaning": sides.leaning,
        "looked_at": sides.looked_at,
        "same_twice": describe_proportion(twice.same),
        "left_twice": twice.left_twice,
        "right_twice": twice.right_twice,
        "tie_twice": twice.tie_twice,
        "tie_once": twice.tie_once,
        "known": describe_proportion(vote_tables.gold_accuracy(votes, gold)),
    }
