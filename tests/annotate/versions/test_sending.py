"""Versions go to another program: into a folder that is set once, at the strength they are used."""

from pathlib import Path

import pytest
from annotate_doubles import Trouble
from places import Place

from annotate.errors import InvalidRequest
from annotate.web.html.version_cards import refusal_card, sent_card
from storage.errors import UnknownVersion


@pytest.fixture
def version(place: Place, tmp_path: Path) -> str:
    """A version that was brought in."""
    file = tmp_path / "theirs.safetensors"
    file.write_bytes(b"weights")
    return place.studio.registry.adopt(str(file))


def test_the_folder_is_set_once_and_kept(place: Place, tmp_path: Path) -> None:
    sender = place.studio.sender
    assert sender.folder() == {"folder": ""}
    with pytest.raises(Trouble, match="not there"):
        sender.set_folder(str(tmp_path / "nowhere"), "ada")
    # What the converter found in it is kept.
    assert sender.set_folder(f' "{tmp_path}" ', "ada") == {"folder": str(tmp_path / "loras")}
    assert sender.folder() == {"folder": str(tmp_path / "loras")}
    for wrong in (7, "a\0b", "x" * 5000):
        with pytest.raises(InvalidRequest):
            sender.set_folder(wrong, "ada")  # type: ignore[arg-type]
    assert sender.set_folder("", "ada") == {"folder": ""}


def test_a_version_is_sent_with_what_it_is_rendered_with(
    place: Place, version: str, tmp_path: Path
) -> None:
    sender = place.studio.sender
    with pytest.raises(InvalidRequest, match="Set the folder"):
        sender.send(version)
    sender.set_folder(str(tmp_path), "me")
    place.studio.registry.rename(version, "warm colors")
    sent = sender.send(version, 0.7)
    assert Path(sent["file"]).name == "emoji-v1-warm colors.safetensors"
    assert (sent["version"], sent["strength"], sent["replaced"]) == (version, 0.7, False)
    settings = place.converter.sent[-1]["settings"]
    assert (settings.steps, settings.guidance, settings.width) == (2, 4.0, 16)
    assert sender.send(version, 0.7)["replaced"]


def test_what_cannot_be_sent_is_refused(place: Place, version: str, tmp_path: Path) -> None:
    sender = place.studio.sender
    sender.set_folder(str(tmp_path), "me")
    for strength in (0, 2.1, float("nan"), True, "1"):
        with pytest.raises(InvalidRequest, match="strength"):
            sender.send(version, strength)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest, match="model itself"):
        sender.send("base")
    with pytest.raises(UnknownVersion):
        sender.send("v9")
    place.converter.trouble = "The folder is gone."
    with pytest.raises(Trouble, match="gone"):
        sender.send(version)


def test_the_page_says_where_it_is_and_at_which_strength_it_is_right() -> None:
    told = {
        "version": "v1",
        "file": "/c/<b>/emoji-v1.safetensors",
        "form": "kohya",
        "strength": 0.5,
        "replaced": True,
        "notes": ["emoji-v1.txt"],
    }
    card = sent_card(told)
    assert "strength 1.0, scaled from 0.5" in card and "in place of" in card
    assert "&lt;b&gt;" in card and "emoji-v1.txt" in card
    assert "stay as they are" in sent_card(told | {"notes": []})
    assert "&lt;i&gt;" in refusal_card("<i>")
