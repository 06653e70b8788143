"""Asked prompts: prompts that annotators want to see next, each rendered for the one who asked."""

import threading
from collections import defaultdict
from dataclasses import dataclass, replace

from annotate.errors import InvalidRequest

PAIRS_ASKED = 4
"""Pairs of a prompt that somebody asks for at a time; of sets of four it is one."""
MAX_ASKED = 4
"""Prompts of one annotator that may wait, or whoever asks quickly would keep the image model."""


@dataclass(frozen=True, slots=True)
class AskedPrompt:
    """A prompt that an annotator asked for."""

    annotator: str
    prompt: str
    four: bool
    """Whether a set of four is to come, not pairs."""
    left: int
    """Pairs or sets that are still to be rendered."""


class AskedPrompts:
    """Prompts that wait to be rendered, oldest first, and what came of them; thread-safe."""

    def __init__(self) -> None:
        self._waiting: list[AskedPrompt] = []
        self._arrived: dict[str, list[str]] = defaultdict(list)
        """Ids of the pairs and sets that no page was told of yet, by annotator."""
        self._guard = threading.Lock()

    def ask(self, annotator: str, prompt: str, four: bool) -> int:
        """Let pairs of a prompt come next, and return how many; raises InvalidRequest."""
        with self._guard:
            own = [asked for asked in self._waiting if asked.annotator == annotator]
            if len(own) >= MAX_ASKED:
                raise InvalidRequest(
                    f"{len(own)} prompts that you asked for are still being rendered. Vote on "
                    "those first, then ask again."
                )
            left = 1 if four else PAIRS_ASKED
            self._waiting.append(AskedPrompt(annotator, prompt, four, left))
            return left

    @property
    def next(self) -> AskedPrompt | None:
        """Return the prompt to render now; None while nobody waits for any."""
        with self._guard:
            return self._waiting[0] if self._waiting else None

    def note_item(self, asked: AskedPrompt, item_id: str | None) -> None:
        """Remember a pair or set that was rendered and leased for a prompt; None for none."""
        if item_id is not None:
            with self._guard:
                self._arrived[asked.annotator].append(item_id)

    def note_rendered(self, asked: AskedPrompt, count: int) -> None:
        """Count what a request rendered, shown or not: lookalikes are shown to nobody."""
        with self._guard:
            rest = replace(asked, left=asked.left - count)
            self._waiting = [rest if each is asked else each for each in self._waiting]
            self._waiting = [each for each in self._waiting if each.left > 0]

    def forget(self, asked: AskedPrompt) -> None:
        """Drop a prompt that cannot be rendered."""
        self.note_rendered(asked, asked.left)

    def arrivals(self, annotator: str) -> tuple[list[str], int]:
        """Return the ids of what was rendered since the last call, and how many are to come."""
        with self._guard:
            arrived = self._arrived.pop(annotator, [])
            return arrived, sum(a.left for a in self._waiting if a.annotator == annotator)
