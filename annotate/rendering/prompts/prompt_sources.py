"""Sources of prompts: built-in lists, files and pasted text."""

import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from annotate.errors import InvalidPrompts
from storage.safe_files import SkippedFile, open_regular
from storage.tables.prompts import clean_prompt

EMBEDDED = ("emoji", "emoji-fast")
PROMPT_LISTS = Path(__file__).parent / "prompt_lists"
MAX_FILE_BYTES = 32_000_000
MAX_PROMPTS_AT_ONCE = 100_000
MAX_PROMPTS = 200_000
"""Prompts in all: each is held in memory."""
MIN_TO_RESERVE = 20
"""So many given prompts are enough to reserve some for blind tests."""
RESERVED_PART = 5
"""One of so many is reserved."""
EMOJI, SENTENCES, TAGS = "emoji", "sentences", "tags"
"""Names of the built-in lists."""
TAGGED = re.compile(
    r"illustri?ous|noob.?ai|pony|animagine|anime|waifu|niji|danbooru|booru|hassaku|kohaku|wai.?nsfw"
    r"|autismmix|prefect|mistoon|counterfeit|aingdiffusion|holodayo|4th.?tail|hyphoria|\bwai\b",
    re.IGNORECASE,
)
"""Names of models that were trained on lists of tags, as they stand in the names of files."""
LINE_END = re.compile(r"\r\n|\r|\n")


def built_in_list(model_path: str, *names: str | None) -> str:
    """Return the name of the built-in list that suits a model, by its path and other names of it.

    Weights do not tell how prompts were written for them, so that only names can.
    """
    if model_path in EMBEDDED:
        return EMOJI
    # Not the folders above, which hold models of every kind.
    known = " ".join([Path(model_path).name, *(Path(name).name for name in names if name)])
    return TAGS if TAGGED.search(known) else SENTENCES


def prompts_of_list(name: str, kind: str = "prompts") -> list[str]:
    """Return the prompts of a built-in list, or those that it keeps for blind tests."""
    return parse_prompts((PROMPT_LISTS / f"{name}_{kind}.txt").read_text(encoding="utf-8"))


def built_in_prompts(model_path: str, kind: str = "prompts") -> list[str]:
    """Return the built-in list for a model: subjects of emoji, sentences or tags."""
    return prompts_of_list(built_in_list(model_path), kind)


def prompts_for(
    model_path: str, given: Sequence[str] | None, name: str | None = None
) -> tuple[list[str], list[str]]:
    """Return prompts to label, and prompts reserved for blind tests.

    Without given ones they are those of the built-in list called `name`, or of the model's own. Of
    many given ones every fifth is reserved, by a hash of its text so that a restart reserves the
    same; of few none is.
    """
    if given is None:
        name = name or built_in_list(model_path)
        return prompts_of_list(name), prompts_of_list(name, "evaluation_prompts")
    if len(given) < MIN_TO_RESERVE:
        return list(given), []
    # A dict keeps the order of the file, as a set would not.
    aside = {text: None for text in given if sha256(text.encode()).digest()[0] % RESERVED_PART == 0}
    return [text for text in given if text not in aside], list(aside)


def parse_prompts(text: str, name: str = "The text") -> list[str]:
    """Return the prompts of a text, one a line, each once; empty lines and # comments are skipped.

    Raises InvalidPrompts without any prompt or for too many, and storage's InvalidPrompt, which
    names the line.
    """
    prompts: dict[str, None] = {}
    for number, line in enumerate(LINE_END.split(text.removeprefix("\ufeff")), start=1):
        line = line.replace("\t", " ").strip()
        if line and not line.startswith("#"):
            prompts[clean_prompt(line, f"Line {number}")] = None
        # Within the loop: a huge text is refused before it is held twice.
        if len(prompts) > MAX_PROMPTS_AT_ONCE:
            raise too_many(f"{name} holds more")
    if not prompts:
        raise InvalidPrompts(f"{name} holds no prompt. Write one a line.")
    return list(prompts)


def check_prompts(prompts: object) -> list[str]:
    """Return prompts from a list of texts, or from a text with one a line.

    Raises InvalidPrompts, or storage's InvalidPrompt, which names the prompt.
    """
    if isinstance(prompts, str):
        return parse_prompts(prompts)
    if not isinstance(prompts, list | tuple) or not all(isinstance(p, str) for p in prompts):
        raise InvalidPrompts("The prompts must be a list of texts, or a text with one a line.")
    if not prompts:
        raise InvalidPrompts("The list holds no prompt. Send at least one.")
    if len(prompts) > MAX_PROMPTS_AT_ONCE:
        raise too_many(f"The list holds {len(prompts):,}")
    return [clean_prompt(text, f"Prompt {n}") for n, text in enumerate(prompts, start=1)]


def read_prompt_file(path: Path) -> list[str]:
    """Return the prompts of a UTF-8 text file.

    Raises InvalidPrompts for a file that is missing, too large, not text or without prompts, and
    storage's InvalidPrompt, which names the line.
    """
    try:
        with open_regular(path, None) as (file, size):
            if size > MAX_FILE_BYTES:
                limit = f"{MAX_FILE_BYTES // 10**6} MB"
                raise InvalidPrompts(f"{path} is larger than {limit}. Split it and choose a part.")
            text = file.read(size).decode("utf-8")
    except UnicodeDecodeError:
        raise not_text(path) from None
    except SkippedFile as skip:
        why = getattr(skip.__cause__, "strerror", None) or skip
        raise InvalidPrompts(
            f"{path} cannot be read: {why}. Check the path of the prompt file."
        ) from None

    # UTF-16 without a mark decodes as UTF-8 where its text is English, with a NUL between letters.
    if "\x00" in text:
        raise not_text(path)
    return parse_prompts(text, str(path))


def too_many(held: str) -> InvalidPrompts:
    """Return the error for more prompts than can be added at once."""
    return InvalidPrompts(
        f"{held}, and up to {MAX_PROMPTS_AT_ONCE:,} prompts can be added at once. None was added: "
        "send them in parts."
    )


def not_text(path: Path) -> InvalidPrompts:
    """Return the error for a file that is not text."""
    return InvalidPrompts(
        f"{path} is not UTF-8 text. Save it as plain text in UTF-8, one prompt a line."
    )
