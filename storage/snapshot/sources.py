"""Sources of a snapshot: one model's votes, and those of other models that are taken along."""

from collections.abc import Mapping

from storage.records import OtherVotes, Voters

NO_OTHERS = OtherVotes()


def rendered_with(image: str, base: str) -> str:
    """Return two columns of SQL: the text before and after the prompt of a vote's images.

    Images of other models were rendered for another taste of words, so their prompts are shown as
    this model's are. Imported images have their whole prompts. The parameters are `sources`.
    """
    columns = (
        f"CASE WHEN {image}.version = 'imported' THEN '' "
        f"WHEN {base} = $base THEN coalesce({image}.recipe ->> '{name}', '') ELSE ${name} END"
        for name in ("prompt_prefix", "prompt_suffix")
    )
    return ", ".join(columns)


def sources(base: str, others: OtherVotes) -> Mapping[str, object]:
    """Return the parameters of queries for a model's votes and others."""
    return {
        "base": base,
        "bases": [base, *others.names],
        "prompt_prefix": others.prompt_prefix,
        "prompt_suffix": others.prompt_suffix,
    }


def as_voters(voter: str | Voters) -> Voters:
    """Return the annotators that are meant by one name or several; None for everybody."""
    if isinstance(voter, str):
        return (voter,) if voter else None
    return voter or None


def of_voters(column: str) -> str:
    """Return SQL that holds for the votes of `as_parameter`, by the column of their annotator."""
    return f"($voter IS NULL OR list_contains($voter::VARCHAR[], {column}))"


def as_parameter(voters: Voters) -> list[str] | None:
    """Return annotators as the parameter of a query."""
    return list(voters) if voters else None
