"""What a merge brings, in numbers and in sentences, before and after it."""

from dataclasses import dataclass, field

TOLD_PEOPLE = 8
COUNTED = {
    "votes": ("vote", "votes"),
    "rankings": ("ranking", "rankings"),
    "vote_annotations": ("annotation", "annotations"),
    "flags": ("flag", "flags"),
    "exclusions": ("exclusion", "exclusions"),
    "voter_weights": ("weight of a person", "weights of people"),
    "pairs": ("pair", "pairs"),
    "quads": ("four images to rank", "sets of four images to rank"),
    "images": ("image", "images"),
    "prompts": ("prompt", "prompts"),
    "people": ("person who may sign in", "people who may sign in"),
    "versions": ("version", "versions"),
    "runs": ("run", "runs"),
    "trials": ("blind test", "blind tests"),
    "sources": ("source", "sources"),
    "source_votes": ("vote of sources", "votes of sources"),
}
"""Tables that are told of, in this order, each with its words."""


@dataclass
class MergeReport:
    """What came in, or would."""

    added: dict[str, int] = field(default_factory=dict)
    """Rows by table."""
    votes: int = 0
    """Votes among the rows of votes; the others take one back."""
    rankings: int = 0
    models: dict[str, str] = field(default_factory=dict)
    """The name here of each model of the other studio."""
    same_people: tuple[str, ...] = ()
    given_twice: int = 0
    """Votes and rankings of one person on the same images in both studios: the later one counts."""
    new_versions: dict[str, str] = field(default_factory=dict)
    """The names here of versions that come in, by their names there."""
    lost_images: int = 0
    """Images whose files the other studio lacks."""
    unfinished_runs: int = 0
    """Runs of the other studio that have not ended, and stay there."""
    not_people: tuple[str, ...] = ()
    """Names that look like somebody else's here, and get no account."""
    copy: str = ""
    """The copy of the database that was made before."""

    @property
    def is_nothing(self) -> bool:
        """Return True if everything is here already."""
        return not any(self.added.values())

    def counts(self) -> dict[str, int]:
        """Return the numbers that are told, by what they count."""
        numbers = self.added | {"votes": self.votes, "rankings": self.rankings}
        return {table: numbers[table] for table in COUNTED if numbers.get(table)}


def sentences_of_merge(report: MergeReport, done: bool) -> list[str]:
    """Return what came in, or would come in, and how names and clashes were settled."""
    if report.is_nothing:
        return ["Nothing is new: everything in the other studio is here already."]
    counts = [
        f"{number:,} {COUNTED[table][number != 1]}" for table, number in report.counts().items()
    ]
    told = [f"{'Merged in' if done else 'Would come in'}: {', '.join(counts) or 'changes only'}."]
    if report.same_people:
        named = ", ".join(report.same_people[:TOLD_PEOPLE])
        more = len(report.same_people) - TOLD_PEOPLE
        told.append(
            f"A person of the same name is the same person: {named}"
            f"{f' and {more:,} more' if more > 0 else ''}."
        )
    told += clashes(report)
    if report.copy:
        told.append(f"The database as it was before is the copy {report.copy}.")
    return told


def clashes(report: MergeReport) -> list[str]:
    """Return a sentence for everything that is not the same here as it was there."""
    told = []
    if moved := {old: new for old, new in report.new_versions.items() if old != new}:
        named = ", ".join(f"{old} is {new} here" for old, new in moved.items())
        told.append(f"Versions have other numbers: {named}.")
    if report.given_twice:
        told.append(
            f"{report.given_twice:,} times one person answered for the same images in both; the "
            "later answer counts."
        )
    if report.added.get("people"):
        told.append(
            "New people come as labelers without a password; give each a link to choose one."
        )
    if report.not_people:
        told.append(
            f"{', '.join(report.not_people)} got no account: the name looks like somebody else's "
            "here. Their votes are there."
        )
    if report.lost_images:
        told.append(f"{report.lost_images:,} images are gone from the other studio.")
    if report.unfinished_runs:
        told.append(f"{report.unfinished_runs:,} runs that have not ended stay where they are.")
    return told
