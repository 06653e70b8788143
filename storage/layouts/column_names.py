"""Names of columns, as those who publish preferences call them."""

from __future__ import annotations

from storage.layouts.data_rows import Cells

PROMPTS = ("prompt", "caption", "text", "instruction", "positive_prompt", "description")
PEOPLE = ("annotator", "user_id", "user", "annotator_id", "user_hash", "worker_id", "labeler")
TIMES = ("created_at", "timestamp", "time", "date", "created")
PAIRS = (
    ("image_0", "image_1"),
    ("image0", "image1"),
    ("image_1", "image_2"),
    ("image1", "image2"),
    ("image_a", "image_b"),
    ("imagea", "imageb"),
    ("image_left", "image_right"),
    ("left_image", "right_image"),
    ("left", "right"),
    ("jpg_0", "jpg_1"),
    ("answer1", "answer2"),
    ("image_0_file_name", "image_1_file_name"),
    ("image_1_file_name", "image_2_file_name"),
    ("path_a", "path_b"),
    ("path1", "path2"),
)
"""Names of the columns of two images, the first and the second."""
SIDES = (
    ("chosen", "rejected"),
    ("chosen_file_name", "rejected_file_name"),
    ("chosen_image", "rejected_image"),
    ("image_chosen", "image_rejected"),
    ("chosen_path", "rejected_path"),
    ("jpg_chosen", "jpg_rejected"),
    ("img_better", "img_worse"),
    ("better", "worse"),
    ("image_better", "image_worse"),
    ("select_image", "rejected_image"),
    ("winner", "loser"),
    ("winner_image", "loser_image"),
    ("win", "lose"),
    ("preferred", "dispreferred"),
    ("preferred", "rejected"),
    ("image_w", "image_l"),
)
"""Names of the columns of the better and of the other image."""
LABELS = (
    ("label_0", "label_1"),
    ("label0", "label1"),
    ("prefer_0", "prefer_1"),
    ("label_1", "label_2"),
    ("score_0", "score_1"),
)
ANSWERS = ("preference", "choice", "answer", "winner", "vote", "verdict", "preferred", "label")
IMAGE_LISTS = ("generations", "images", "image_path", "file_path", "image", "file_names")
RANK_LISTS = ("ranking", "ranks", "rank")


class Names:
    """The columns of some files, found without regard to capitals."""

    def __init__(self, cells: Cells) -> None:
        self.cells = cells
        self._names = {name.lower(): name for name in reversed(list(cells))}

    def has(self, *names: str) -> bool:
        """Return whether there are columns of all these names."""
        return all(name in self._names for name in names)

    def first(self, *names: str) -> str:
        """Return the first of these columns that there is; empty for none."""
        return next((self._names[name] for name in names if name in self._names), "")

    def last_word(self, *names: str, within: str = "") -> str:
        """Return the first column whose last word is one of these names; empty for none."""
        for wanted in names:
            for name in self._names.values():
                place, _, word = name.rpartition(".")
                if word.lower() == wanted and place.startswith(within):
                    return name
        return ""

    def pair(self, known: tuple[tuple[str, str], ...], within: str = "") -> tuple[str, str] | None:
        """Return the first two columns of these names that are beside each other; None for none."""
        for first, second in known:
            if (one := self.last_word(first, within=within)) and (
                other := self._names.get(one.lower()[: -len(first)] + second)
            ):
                return one, other
        return None

    def holds(self, name: str, *kinds: str) -> bool:
        """Return whether a column holds values of one of these kinds."""
        return self.cells.get(name) in kinds
