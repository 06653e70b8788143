"""Vote counts: what the votes are, and which of them a run learns from, as data and a sentence.

Every count of votes that people see comes from here, so that no two of them disagree.
"""

from collections.abc import Sequence

from annotate.views.pairs_and_votes import VoteCounts
from annotate.wording import quantity
from storage.records import Counts
from storage.sources.source_records import Source
from storage.store import Store

ALIKE = "Every vote is counted alike just now: choices, ties and skips."
"""Said while a blind test is mixed in, whatever is voted on."""


def vote_counts(store: Store, model_id: str, mixed: bool) -> VoteCounts:
    """Return the votes on a model's pairs by what a run makes of them.

    While a blind test is mixed in, votes that no run learns from are counted as any other: a
    separate count would give away which pairs are the test's.
    """
    if mixed:
        return view(store.labeler_counts(model_id), None, ALIKE)
    counts, again = current_counts(store, model_id)
    brought = [source for source in store.sources.all(model_id) if source.used]
    return view(counts, again, counts_sentence(counts, again, brought))


def current_counts(store: Store, model_id: str) -> tuple[Counts, int]:
    """Return the votes given here, and how many of them are on pairs that come again."""
    counts = store.counts(model_id)
    return counts, counts.votes - counts.decisive - counts.ties - counts.skipped


def view(counts: Counts, again: int | None, sentence: str) -> VoteCounts:
    """Return counts as a document."""
    return {
        "choices": counts.decisive,
        "ties": counts.ties,
        "skipped": counts.skipped,
        "again": again,
        "sentence": sentence,
    }


def whole_sentence(store: Store, model_id: str, mixed: bool) -> str:
    """Say what the votes are, and then which are in no count; for places that are opened rarely.

    Which are in no count is not said while a blind test is mixed in: its votes are among them.
    """
    sentence = vote_counts(store, model_id, mixed)["sentence"]
    return sentence if mixed else f"{sentence} {uncounted(store, model_id)}".rstrip()


def sentence_of_plan(store: Store, model_id: str) -> str:
    """Say what the votes given here are, and which are in no count; empty before the first."""
    counts, again = current_counts(store, model_id)
    if not counts.votes:
        return ""
    return f"{own_sentence(counts, again)} {uncounted(store, model_id)}".rstrip()


def uncounted(store: Store, model_id: str) -> str:
    """Say which votes are in no count; empty for none."""
    found = store.votes.left_out(model_id)
    outside = {
        "taken back or changed": found.taken_back,
        "on images of other models": found.other_models,
        "in blind tests": found.blind_tests,
        "on flagged pairs": found.flagged,
    }
    return left_out_sentence(outside, found.excluded)


def counts_sentence(counts: Counts, again: int, brought: Sequence[Source] = ()) -> str:
    """Say what the votes are, and what came in from files.

    `again` are votes on pairs that check how sure votes are.
    """
    return " ".join(filter(None, (own_sentence(counts, again), brought_sentence(brought))))


def brought_sentence(brought: Sequence[Source]) -> str:
    """Say what came in from files and is used; empty for nothing."""
    if not brought:
        return ""
    choices = quantity(sum(source.decisive for source in brought), "choice")
    if len(brought) == 1:
        return f"A run also learns from {choices} of the source {brought[0].name}."
    names = in_a_list([source.name for source in brought])
    return f"A run also learns from {choices} of {len(brought)} sources: {names}."


def own_sentence(counts: Counts, again: int) -> str:
    """Say what the votes given here are."""
    if not counts.votes:
        return "No vote yet. A run learns from choices: left, right, or four images ranked."
    besides = [
        *kind(counts.ties, f"{quantity(counts.ties, 'tie')}"),
        *kind(counts.skipped, f"{counts.skipped:,} skipped"),
        *kind(again, f"{again:,} on pairs that come again as a check or in a blind test"),
    ]
    choices = quantity(counts.decisive, "choice")
    if not besides and counts.votes == 1:
        return "1 vote: a choice that a run learns from."
    if not besides:
        return f"{quantity(counts.votes, 'vote')}, all of them choices that a run learns from."
    return (
        f"{quantity(counts.votes, 'vote')}: {choices} that a run learns from, and "
        f"{in_a_list(besides)}, which it leaves out."
    )


def left_out_sentence(outside: dict[str, int], excluded: int) -> str:
    """Say which votes are in no count, and which choices no run learns from; empty for none."""
    parts = [f"{count:,} {where}" for where, count in outside.items() if count]
    told = [f"Not counted: {in_a_list(parts)}."] if parts else []
    if excluded:
        told.append(f"Of the choices {excluded:,} are excluded in Insights; a run skips them.")
    return " ".join(told)


def kind(count: int, words: str) -> list[str]:
    """Return the words of a kind of votes, if there are any."""
    return [words] if count else []


def in_a_list(parts: list[str]) -> str:
    """Return parts with commas, and an "and" before the last one."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
