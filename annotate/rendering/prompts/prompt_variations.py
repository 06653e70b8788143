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
from annotate.rendering.prompts.prompt_sources import read_prompt_file
from storage.tables.prompts import LONGEST

WILDCARDS = "wildcards"
"""The folder of wildcard files in a studio folder."""
MAX_CHOICES = 1_000
"""Choices within one prompt: files that name each other would never come to an end."""
JOINT = ", "
MAX_WEIGHT = 1e6
TRIALS = 3
"""So many choices are tried of a prompt before it is taken."""
BRACES = re.compile(r"\{([^{}]*)\}")
WILDCARD = re.compile(r"__([\w*-]+?(?:[./ ][\w*-]+?)*)__")
COUNT = re.compile(r"\s*(\d{1,3})(?:-(\d{1,3}))?\$\$(?:([^|]*?)\$\$)?")
WEIGHT = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)::")
VARIES = "\x01"
"""Stands for a variation in a prompt's fixed parts; no prompt holds it."""
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

    def may_be_empty(self) -> bool:
        """Return whether chance may choose nothing of them but space."""
        chosen = min(self.least, len(self.texts))
        pairs = zip(self.texts, self.weights, strict=True)
        # Where none weighs anything, each may be chosen.
        blank = sum(not text and (weight > 0 or not any(self.weights)) for text, weight in pairs)
        return not chosen or (blank >= chosen and (chosen == 1 or not self.joint.strip()))


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
        """Raise InvalidPrompts for a prompt that `resolve` refuses, or may refuse."""
        varied = [prompt for prompt in prompts if has_variations(prompt)]
        self._check_files({name for prompt in varied for name in WILDCARD.findall(prompt)})
        for prompt in varied:
            if not self._shortest(prompt).strip():
                raise _empty(prompt)
            chance = random.Random(0)
            for _ in range(TRIALS):
                self.resolve(prompt, chance)

    def _check_files(self, names: set[str]) -> None:
        """Read the files of wildcards, and those that are named in them."""
        known, left = set(names), sorted(names)
        for name in left:
            for line in self.lines(name):
                for content in BRACES.findall(line):
                    self._options(content)
                new = sorted(set(WILDCARD.findall(line)) - known)
                known.update(new)
                left += new

    def _shortest(self, text: str) -> str:
        """Return a text without the braces that may become empty, the others as a letter."""
        while braces := BRACES.search(text):
            options = self._options(braces[1])
            kept = "" if options and options.may_be_empty() else "x"
            text = text[: braces.start()] + kept + text[braces.end() :]
        return text

    def lines(self, name: str) -> list[str]:
        """Return the options of a wildcard; raises InvalidPrompts."""
        for folder in self._folders:
            # A name with .. leads nowhere: it matches no path within the folder.
            files = _files(folder, name)
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
        return self._counted(content, counted)

    def _counted(self, content: str, counted: re.Match[str] | None) -> Options:
        """Read options, after what says how many of them are taken."""
        written = (content[counted.end() :] if counted else content).split("|")
        weights = tuple(map(_weight, written))
        texts = tuple(_unweighed(text).strip() for text in written)

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


def may_become(prompt: str, text: str) -> bool:
    """Return whether a prompt with variations may have become a text, in doubt that it may.

    Its fixed parts are looked for in their order; what stands between them may be anything.
    """
    while (fixed := BRACES.sub(VARIES, prompt)) != prompt:
        prompt = fixed
    parts = [" ".join(part.split()) for part in WILDCARD.sub(VARIES, prompt).split(VARIES)]
    first, *between, last = parts if len(parts) > 1 else [*parts, ""]
    if len(text) < len(first) + len(last) or not text.startswith(first):
        return False

    place = len(first)
    for part in between:
        found = text.find(part, place, len(text) - len(last))
        if found < 0:
            return False
        place = found + len(part)
    return text.endswith(last)


def _files(folder: Path, name: str) -> list[Path]:
    """Return the files of a wildcard in a folder; raises InvalidPrompts."""
    try:
        return sorted(path for path in folder.glob(f"{name}.txt") if path.is_file())
    except (ValueError, OSError):
        raise InvalidPrompts(
            f"The wildcard {_short(f'__{name}__')} can name no file. Write a file's name, with * "
            "for any letters, or ** alone for any folders, as in __**/color__."
        ) from None


def _weight(option: str) -> float:
    """Return what an option weighs; raises InvalidPrompts."""
    weight = float(found[1]) if (found := WEIGHT.match(option)) else 1.0
    if weight > MAX_WEIGHT:
        raise InvalidPrompts(
            f"The option {_short(option)} weighs more than {MAX_WEIGHT:,.0f}. Write a smaller "
            "number before its ::."
        )
    return weight


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
        raise _empty(prompt)
    return text


def _empty(prompt: str) -> InvalidPrompts:
    return InvalidPrompts(
        f"{_short(prompt)} may become empty, since it holds an empty option. Write a word beside "
        "the braces."
    )


def _unweighed(option: str) -> str:
    """Return an option without the weight that it begins with."""
    found = WEIGHT.match(option)
    return option[found.end() :] if found else option


def _short(prompt: str) -> str:
    """Return a prompt's beginning, quoted."""
    return repr(prompt if len(prompt) <= 60 else f"{prompt[:57]}...")
