"""What came in, or would, as pages and programs take it."""

from collections.abc import Mapping

from annotate.views.data import ExampleVote
from annotate.wording import quantity
from storage.sources.source_preview import ExampleVote as SeenVote
from storage.sources.source_records import Source


def came_in(source: Source, known: Mapping[str, str]) -> str:
    """Return what came in, in sentences."""
    told = f"{quantity(source.votes, 'vote')} came in as {source.name}."
    if left_out := sum(source.counts["left_out"].values()):
        told += f" {quantity(left_out, 'row')} left out."
    if known:
        told += f" {quantity(len(known), 'file')} came in before and added nothing."
    return f"{told} Runs take it from now on; leave it out or remove it below."


def as_example(vote: SeenVote) -> ExampleVote:
    """Return a vote that would come in as pages and programs take it, without its images."""
    return {
        "prompt": vote.prompt,
        "kind": vote.kind,
        "share": vote.share,
        "ranks": list(vote.ranks),
        "annotator": vote.annotator,
        "place": f"row {vote.row + 1:,}",
    }
