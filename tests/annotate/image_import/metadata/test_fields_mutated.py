"""Whatever chance makes of a file: a prompt, or a reason why there is none, and never an error."""

import random
from pathlib import Path

import pytest
from image_headers import header_of
from mutations import MUTATIONS, PROMPT, base_file

from storage.safe_files import SkippedFile

EACH = 300


def outcome(path: Path) -> str:
    """The prompt of a file, or the reason why it is left out."""
    try:
        return f"prompt: {header_of(path, path.parent, {}).prompt}"
    except SkippedFile as skip:
        return f"skip: {skip}"


@pytest.mark.slow
@pytest.mark.parametrize("kind", MUTATIONS)
def test_a_changed_file_gives_a_prompt_or_a_reason(tmp_path: Path, kind: str) -> None:
    found = []
    for seed in range(EACH):
        path = tmp_path / f"{seed:04}.png"
        path.write_bytes(MUTATIONS[kind](random.Random(f"{kind} {seed}")))
        found.append(outcome(path))
    assert all(text.partition(": ")[2] for text in found)
    assert {text.partition(":")[0] for text in found} == {"prompt", "skip"}


def test_the_files_that_are_changed_are_whole_before(tmp_path: Path) -> None:
    found = []
    for seed in range(60):
        (tmp_path / "1.png").write_bytes(base_file(random.Random(seed)))
        found.append(outcome(tmp_path / "1.png"))
    assert not any("damaged" in text or "read" in text for text in found)
    assert any(PROMPT.split(",")[0] in text for text in found)
