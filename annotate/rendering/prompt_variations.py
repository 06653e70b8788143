"""Variations in prompts: {a|b} and __file__ stand for texts that chance chooses between.

They are written as in the extension Dynamic Prompts of AUTOMATIC1111 and in ComfyUI. Images are
rendered, labeled and stored with what was chosen.
"""

import random
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from annotate.errors import InvalidPrompts
from annotate.rendering.prompt_sources import read_prompt_file
from storage.tables.prompts import LONGEST

WILDCARDS = "wildcards"
"""The folder of wildcard files in a studio folder."""
MAX_CHOICES = 1_000
"""Choices within one prompt: files that name each other would never come to an end."""
JOINT = ", "
BRACES = re.compile(r"\{([^{}]*)\}")
WILDCARD = re.compile(r"__([\w*-]+?(?:[./ ][\w*-]+?)*)__")
COUNT = re.compile(r"\s*(\d{1,3})(?:-(\d{1,3}))?\$\$(?:([^|]*?)\$\$)?")
WEIGHT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)::")
KEPT = str.maketrans("{}", "\x02\x03")
GIVEN_BACK = str.maketrans("\x02\x03", "{}")
"""Braces that vary nothing stay; as these characters, which no prompt holds, they wait aside."""


@dataclass(frozen=True, slots=True)
class Options:
    """What stands in a pair of braces."""

    texts: tuple[str, ...]
    weights: tuple[float, ...]
    least: int = 1
    most: int = 1
    joint: str = JOINT


class PromptVariations:
    """Chooses texts for the variations of prompts, from wildcard files in some folders."""

    def __init__(self, folders: Sequence[Path] = ()) -> None:
        """Look for NAME.txt, with an option a line, in these folders, the first one first."""
        self._folders = [folder.absolute() for folder in folders]
        self._read: dict[Path, tuple[int, list[str]]] = {}

    def resolve(self, prompt: str, chance: random.Random) -> str:
        """Return a prompt with every variation chosen.

        Raises InvalidPrompts for a wildcard without a file, for files that name each other in a
        circle, and for a text that is too long.
        """
        text = prompt
        for _ in range(MAX_CHOICES):
            if len(text) > LONGEST:
                raise InvalidPrompts(
                    f"{_short(prompt)} becomes longer than {LONGEST:,} characters once its "
                    "variations are chosen. Shorten it, or the lines of its files."
                )
            # Innermost first, so that what is not chosen is never looked up.
            if braces := BRACES.search(text):
                chosen = self._from_braces(braces[0], chance)
                text = text[: braces.start()] + chosen + text[braces.end() :]
            elif name := WILDCARD.search(text):
                text = (
                    text[: name.start()] + chance.choice(self.lines(name[1])) + text[name.end() :]
                )
            else:
                return _tidy(prompt, text)
        raise InvalidPrompts(
            f"{_short(prompt)} never comes to an end: its wildcard files name each other. Take one "
            "of the names out."
        )

    def check(self, prompts: Iterable[str]) -> None:
        """Raise InvalidPrompts where a prompt names a wildcard without a file."""
        names = {name for prompt in prompts for name in WILDCARD.findall(prompt)}
        for name in sorted(names):
            self.lines(name)

    def lines(self, name: str) -> list[str]:
        """Return the options of a wildcard; raises InvalidPrompts."""
        for folder in self._folders:
            # A name with .. leads nowhere: it matches no path within the folder.
            files = sorted(path for path in folder.glob(f"{name}.txt") if path.is_file())
            if lines := [line for path in files for line in self._lines_of(path)]:
                return lines
        places = " or ".join(str(folder / f"{name}.txt") for folder in self._folders)
        raise InvalidPrompts(
            f"There is no file for the wildcard __{name}__. Write its options, one a line, into "
            f"{places or f'{name}.txt'}."
        )

    def _lines_of(self, path: Path) -> list[str]:
        """Return the lines of a file, read again only once it has changed."""
        changed = path.stat().st_mtime_ns
        known = self._read.get(path)
        if known is None or known[0] != changed:
            known = self._read[path] = (changed, read_prompt_file(path))
        return known[1]

    def _from_braces(self, braces: str, chance: random.Random) -> str:
        """Return what becomes of a pair of braces without braces in it."""
        options = self._options(braces[1:-1])
        if options is None:
            return braces.translate(KEPT)
        count = min(chance.randint(options.least, options.most), len(options.texts))
        return options.joint.join(_choose(options, count, chance))

    def _options(self, content: str) -> Options | None:
        """Read what stands in braces; None where that varies nothing."""
        counted = COUNT.match(content)
        if not counted and "|" not in content:
            return None
        written = (content[counted.end() :] if counted else content).split("|")
        weights = tuple(float(found[1]) if (found := WEIGHT.match(t)) else 1.0 for t in written)
        texts = tuple(WEIGHT.sub("", text, count=1).strip() for text in written)

        if not counted:
            return Options(texts, weights)
        if len(texts) == 1 and (name := WILDCARD.fullmatch(texts[0])):
            # {2$$__colors__} takes two lines of the file.
            texts = tuple(self.lines(name[1]))
            weights = (1.0,) * len(texts)
        least = int(counted[1])
        most = max(least, int(counted[2] or least))
        return Options(texts, weights, least, most, JOINT if counted[3] is None else counted[3])


def has_variations(prompt: str) -> bool:
    """Return whether a prompt stands for several."""
    return any("|" in content or "$$" in content for content in BRACES.findall(prompt)) or bool(
        WILDCARD.search(prompt)
    )


def _choose(options: Options, count: int, chance: random.Random) -> list[str]:
    """Choose texts by their weights, each once."""
    left = list(zip(options.texts, options.weights, strict=True))
    chosen = []
    for _ in range(count):
        weights = [weight for _, weight in left]
        # All that is left may weigh nothing.
        [place] = chance.choices(range(len(left)), weights if sum(weights) > 0 else None)
        chosen.append(left.pop(place)[0])
    return chosen


def _tidy(prompt: str, text: str) -> str:
    """Return what became of a prompt, without the space that empty options leave."""
    text = text.translate(GIVEN_BACK)
    if text == prompt:
        return prompt
    if not (text := " ".join(text.split())):
        raise InvalidPrompts(
            f"{_short(prompt)} may become empty, since it holds an empty option. Write a word "
            "beside the braces."
        )
    return text


def _short(prompt: str) -> str:
    """Return a prompt's beginning, quoted."""
    return repr(prompt if len(prompt) <= 60 else f"{prompt[:57]}...")
