"""Columns of Palate's own Parquet: those that Pick-a-Pic published, and ours beside them.

A folder of this form has two configurations. `default` is for public trainers, which take whatever
is not 0 for a win: it holds choices alone. `full` holds every current vote and every ranking, and a
studio can be restored from it.

    README.md                                  the dataset card, which names the files of each
    default/train-00000-of-00002.parquet       choices, label_0 1 or 0
    default/validation-00000-of-00001.parquet  choices on prompts that train has not
    full/train-00000-of-00003.parquet          everything, with the columns that `default` lacks
"""

from dataclasses import dataclass

DEFAULT, FULL = "default", "full"
"""Names of the two configurations, and of their folders."""
TRAIN, VALIDATION = "train", "validation"
"""Splits; `full` has the first one only."""
IMAGE_STRUCT = (
    "STRUCT(uid VARCHAR, bytes BLOB, width INTEGER, height INTEGER, model VARCHAR, recipe VARCHAR)"
)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an export: its name, DuckDB's type, and its meaning."""

    name: str
    type: str
    meaning: str
    full_only: bool = False


PUBLISHED = (
    Column("are_different", "BOOLEAN", "true where the files of the two images differ"),
    Column("best_image_uid", "VARCHAR", "the uid of the better image; `tie` without one"),
    Column("caption", "VARCHAR", "the prompt that the images were rendered with"),
    Column("created_at", "TIMESTAMP", "when the vote was given, in UTC"),
    Column("has_label", "BOOLEAN", "false for a skip alone"),
    Column("image_0_uid", "VARCHAR", "id of the first image"),
    Column("image_0_url", "VARCHAR", "empty: the bytes are in the row"),
    Column("image_1_uid", "VARCHAR", "id of the second image"),
    Column("image_1_url", "VARCHAR", "empty"),
    Column("jpg_0", "BLOB", "the file of the first image, unchanged: PNG, JPEG or WebP"),
    Column("jpg_1", "BLOB", "the file of the second image"),
    Column("label_0", "DOUBLE", "1 where the first image is better, 0 where the second is"),
    Column("label_1", "DOUBLE", "1 - label_0"),
    Column("model_0", "VARCHAR", "model and version that rendered the first image"),
    Column("model_1", "VARCHAR", "model and version that rendered the second image"),
    Column("ranking_id", "BIGINT", "number of the vote; the pairs of one ranking share it"),
    Column("user_id", "BIGINT", "the annotator as a number, from `annotator`"),
    Column("num_example_per_prompt", "BIGINT", "rows of this configuration with this prompt"),
)
"""As the dataset cards of Pick-a-Pic v1 and v2 have them, without what pandas left there."""

OURS = (
    Column("pair_id", "VARCHAR", "id of the pair, or of the images of a ranking"),
    Column("kind", "VARCHAR", "preference, tie, both_good, both_bad, skip or ranking"),
    Column("prompt", "VARCHAR", "the prompt as people saw it, without text added around it"),
    Column("annotator", "VARCHAR", "pseudonym of who voted, or the name where that was asked for"),
    Column("strength", "INTEGER", "2 for a clear preference, else 1"),
    Column("reasons", "VARCHAR[]", "what was wrong with the worse image"),
    Column("criteria", "VARCHAR", "JSON: by criterion, the better image as 0 or 1, or tie"),
    Column("weight", "DOUBLE", "how much a run counts the annotator's votes, up to 1"),
    Column("base", "VARCHAR", "id of the model whose images were voted on"),
    Column("version", "VARCHAR", "version of it that the pair was rendered with"),
    Column("recipe_0", "VARCHAR", "JSON: seed, steps and all else that made the first image"),
    Column("recipe_1", "VARCHAR", "the same of the second image"),
    Column("width_0", "INTEGER", "width of the first image in pixels"),
    Column("height_0", "INTEGER", "height of the first image in pixels"),
    Column("width_1", "INTEGER", "width of the second image in pixels"),
    Column("height_1", "INTEGER", "height of the second image in pixels"),
    Column("response_ms", "BIGINT", "how long the vote took"),
    Column("in_a_row", "INTEGER", "how often in a row a winner had been kept in this pair"),
    Column("source", "VARCHAR", "name of the import that the vote came with; empty for votes here"),
)
"""Ours that both configurations have."""

FULL_ONLY = (
    Column("shown_order", "INTEGER[]", "numbers of the images from left to right", True),
    Column("ranks", "INTEGER[]", "of a ranking: one for each image, the lowest is best", True),
    Column("more_images", f"{IMAGE_STRUCT}[]", "of a ranking: images after the second", True),
    Column("share", "DOUBLE", "of an import: how likely the first image is better", True),
    Column("excluded_vote", "VARCHAR", "why this vote is not trained on; empty if it is", True),
    Column("excluded_annotator", "VARCHAR", "why the annotator's votes are not, or empty", True),
    Column("weight_reason", "VARCHAR", "why the annotator has that weight, or empty", True),
    Column("kept_from", "VARCHAR", "pair whose winner was kept in this one, or empty", True),
    Column("kept_by", "VARCHAR", "annotator whose winner it was", True),
    Column("selection_rule", "VARCHAR", "rule that chose the pair to be shown", True),
    Column("propensity", "DOUBLE", "how likely the rule was to choose it", True),
)
"""What a studio needs to be restored, and public trainers have no use for."""

COLUMNS = {DEFAULT: (*PUBLISHED, *OURS), FULL: (*PUBLISHED, *OURS, *FULL_ONLY)}


def names_of(configuration: str) -> list[str]:
    """Return the names of the columns of a configuration, in the order of the files."""
    return [column.name for column in COLUMNS[configuration]]


def is_full(names: set[str]) -> bool:
    """Return True for a file with these columns that is of the configuration `full`."""
    return names >= {column.name for column in COLUMNS[FULL]}
