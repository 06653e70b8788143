"""Prompt sampler: the order that prompts come in, and what they vary to."""

import random
import threading
from collections.abc import Iterable, Mapping, Sequence

from annotate.errors import InvalidPrompts
from annotate.rendering.prompts.prompt_sources import MAX_PROMPTS
from annotate.rendering.prompts.prompt_variations import PromptVariations

VARIATIONS_TRIED = 20


class PromptSampler:
    """Samples prompts without replacement: each comes once before any comes again.

    One that weighs 2 or 4 comes so often in each round, one that weighs a half in every other
    round. A prompt with variations stands for one prompt, which varies whenever it comes.
    """

    def __init__(
        self,
        texts: Sequence[str],
        chance: random.Random,
        variations: PromptVariations | None = None,
    ) -> None:
        self._texts = dict.fromkeys(texts, 1.0)
        """Each prompt with its weight."""
        self._dropped: set[str] = set()
        self._chance, self._variations = chance, variations or PromptVariations()
        self._left: list[str] = []
        self._guard = threading.Lock()

    def __len__(self) -> int:
        return len(self._texts)

    def check(self, texts: Iterable[str]) -> None:
        """Raise InvalidPrompts for too many prompts, or a wildcard without a file."""
        texts = list(texts)
        self.require_room(texts)
        self._variations.check(texts)

    def require_room(self, texts: Iterable[str]) -> None:
        """Raise InvalidPrompts if these prompts do not fit into memory beside the others."""
        with self._guard:
            held = len(self._texts) + sum(text not in self._texts for text in texts)
        if held > MAX_PROMPTS:
            raise InvalidPrompts(
                f"That would make {held:,} prompts, and up to {MAX_PROMPTS:,} can be chosen from. "
                "None was added: start with other ones by --prompts FILE."
            )

    def add(self, texts: Iterable[str]) -> int:
        """Add prompts, to come before the others, and return the number of new ones."""
        with self._guard:
            new = [text for text in dict.fromkeys(texts) if text not in self._texts]
            self._texts.update(dict.fromkeys(new, 1.0))
            self._chance.shuffle(new)
            self._left.extend(new)
            return len(new)

    def choose_from(self, weights: Mapping[str, float]) -> None:
        """Choose from these prompts alone, each as often as it weighs; new ones come first.

        Those that blind tests use are left out. Nothing changes if none would be left.
        """
        with self._guard:
            texts = {text: w for text, w in weights.items() if text not in self._dropped}
            if not texts:
                return
            new = [text for text in texts if text not in self._texts]
            self._left = [text for text in self._left if texts.get(text) == self._texts.get(text)]
            self._chance.shuffle(new)
            self._left.extend(new)
            self._texts = texts

    def drop(self, texts: Iterable[str]) -> None:
        """Remove prompts; the last one stays, for there must be one."""
        texts = list(texts)
        with self._guard:
            self._dropped.update(texts)
            for text in texts:
                if len(self._texts) > 1:
                    self._texts.pop(text, None)
            self._left = [text for text in self._left if text in self._texts]

    def is_dropped(self, text: str) -> bool:
        """Return whether a prompt was removed, as those of blind tests are."""
        return text in self._dropped

    def sample(self) -> str:
        """Return the next prompt, its variations chosen; raises InvalidPrompts."""
        with self._guard:
            if not self._left:
                self._left = self._round()
                self._chance.shuffle(self._left)
            template = self._left.pop()
            for _ in range(VARIATIONS_TRIED):
                text = self._variations.resolve(template, self._chance)
                # A blind test may be asked with what another prompt varies to.
                if text == template or text not in self._dropped:
                    break
            return text

    def _round(self) -> list[str]:
        """Return the prompts of a round, each as often as it weighs; under the guard."""
        often: list[str] = []
        for text, weight in self._texts.items():
            whole, part = int(weight), weight % 1
            often += [text] * (whole + (part > 0 and self._chance.random() < part))
        return often or list(self._texts)

    def vary(self, texts: Iterable[str]) -> list[str]:
        """Choose between the variations of prompts; raises InvalidPrompts."""
        with self._guard:
            return [self._variations.resolve(text, self._chance) for text in texts]
