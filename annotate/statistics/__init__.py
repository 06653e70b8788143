"""Statistics of votes on plain numbers: numpy only, no store and no page.

Intervals (Wilson, Newcombe, the bootstrap over prompts) come from `align.intervals`, which the
command line shares.

significance       binomial test, two-proportion z test, Benjamini-Hochberg
sequential_test    anytime-valid test of two versions, by an e-value
bradley_terry      leaderboard of versions
krippendorff       agreement of several annotators: alpha
dawid_skene        reliability of each annotator, and weights of their votes
side_bias          bias to one side, and consistency on repeated pairs
attribute_effects  image attributes that are chosen more often
disagreements      one annotator against the others
preference_model   Bayesian logistic regression, and which pair to label next
vote_columns       votes as columns of numbers
image_pairs        votes of several people on the same two images
vote_tables        counts by person, prompt, day, word and reason

The names below are the public ones; docs/library.md has an example.
"""

from align.intervals import (
    Tally,
    bootstrap_over_prompts,
    wilson_interval,
)
from annotate.statistics.sequential_test import (
    E_VALUE_THRESHOLD,
    critical_wins,
    log_e_value,
    outcome,
    sample_sizes,
    votes_needed,
)

__all__ = [
    "E_VALUE_THRESHOLD",
    "Tally",
    "bootstrap_over_prompts",
    "critical_wins",
    "log_e_value",
    "outcome",
    "sample_sizes",
    "votes_needed",
    "wilson_interval",
]
