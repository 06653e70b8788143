"""Input of a report: all votes, and the one person whose votes are described."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from annotate.insights.example_pairs import ExamplePairs
from annotate.statistics.image_pairs import ImagePairVotes, Preferences
from annotate.statistics.vote_columns import NONE, VoteColumns


@dataclass(frozen=True)
class ReportSource:
    """Input of a report: all votes, and whose are described (None for everybody's)."""

    votes: VoteColumns
    units: ImagePairVotes
    """Everybody's votes on each two images."""
    person: str | None
    gold: Mapping[int, bool]
    """For each gold pair, whether its first image is the better one."""
    image_features: np.ndarray
    """A row for each image; NaN where it is not measured."""
    example_pairs: ExamplePairs = field(init=False)
    mine: VoteColumns = field(init=False)
    person_index: int = field(init=False)
    """The person's index among all people, or NONE."""

    def __post_init__(self) -> None:
        people = self.votes.people
        index = people.index(self.person) if self.person in people else NONE
        # The class is frozen; these fields are derived once.
        object.__setattr__(self, "example_pairs", ExamplePairs(self.votes))
        object.__setattr__(self, "mine", self.votes.of(self.person))
        object.__setattr__(self, "person_index", index)

    def measured(self, preferences: Preferences) -> Preferences:
        """Return the preferences of which both images are measured."""
        known = ~np.isnan(self.image_features[:, 0])
        return preferences.where(known[preferences.chosen] & known[preferences.rejected])

    def differences(self, preferences: Preferences) -> np.ndarray:
        """Return, for each preference, the chosen image's features less the other's."""
        differences: np.ndarray = (
            self.image_features[preferences.chosen] - self.image_features[preferences.rejected]
        )
        return differences
