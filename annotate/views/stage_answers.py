"""Stage: what the page is answered besides pairs and events, past Gradio's queue."""

from typing import NotRequired, TypedDict

from annotate.views.activity import ActivityView, PublicActivity
from annotate.views.blind_test_results import BlindTestProgress
from annotate.views.pair_rendering import SamplerView
from annotate.views.pairs_and_votes import LabelingStats, SessionProgress, SessionSummary
from annotate.views.project import ProjectOptions


class StageStatus(TypedDict):
    """State that the stage shows besides the pair; it asks every few seconds."""

    stats: LabelingStats
    activity: ActivityView | PublicActivity
    train_every: int
    """Choices between two automatic runs; 0 for none."""
    trial: BlindTestProgress | None
    """The blind test that this page labels alone."""
    project: ProjectOptions
    session: SessionProgress | None
    may_add_prompts: bool
    """Whether the annotator may type a prompt that is to come next."""


class StageSession(TypedDict):
    """A labeling session after it was begun, paused, resumed, ended or summed up."""

    session: SessionProgress | None
    """The one under way."""
    summary: NotRequired[SessionSummary | None]
    """Of the newest session; missing where one was begun just now."""


class StageSampler(TypedDict):
    """The image model after it was tried again."""

    sampler: SamplerView


class OwnVotesPage(TypedDict):
    """Insights into a person's own votes, as the page shows them."""

    html: str
    more: bool
    """Whether images are still being measured, so that it is worth asking again."""
