"""Where the embedded model's images come from, and what is said of them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import tomllib
from fnmatch import fnmatch
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from align.contracts.models import embedded_folder
from align.emoji.captions import caption, sample_caption
from align.emoji.emoji_images import BACKGROUNDS, EmojiImage, NoImages, compose, read_images
from align.emoji.prepare import tabulate
from align.emoji.rasterize import rasterize_icons, rasterize_svg, scaled_images
from align.emoji.settings import (
    CaptionSettings,
    DataSettings,
    EmojiSettings,
    read_settings,
    settings_from_json,
)
from align.emoji.sources import Package, SourceError, fetch, read_json_member
from align.emoji.subjects import Subject, plain_code, read_subjects
from align.errors import InvalidSettings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
HALF = '<path fill="currentColor" d="M0 0h8v16H0z"/>'
CAT = EmojiImage("1f431", "cat face", ("kitten",), "ink", True, False)


def test_every_file_of_the_model_comes_with_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["align.emoji"]
    folder = embedded_folder()
    files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 15
    for file in files:
        is_code = file.suffix in (".py", ".pyc")
        assert is_code or any(fnmatch(file.as_posix(), pattern) for pattern in patterns), file


def archive(path, **files):
    """An npm package with these files."""
    with tarfile.open(path, "w:gz") as tar:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def webp(colour):
    buffer = io.BytesIO()
    Image.new("RGBA", (20, 10), colour).save(buffer, "WEBP", lossless=True)
    return buffer.getvalue()


@pytest.fixture
def registry(tmp_path):
    """A registry on this disk with one package, and that package."""
    folder = tmp_path / "registry" / "@a" / "b" / "-"
    folder.mkdir(parents=True)
    content = archive(folder / "b-1.0.0.tgz", **{"x.json": [1]}).read_bytes()
    digest = base64.b64encode(hashlib.sha512(content).digest()).decode()
    return (tmp_path / "registry").as_uri(), Package("@a/b", "1.0.0", digest, "MIT")


def test_a_package_is_fetched_once(registry, tmp_path):
    address, package = registry
    path = fetch(package, tmp_path / "sources", address)
    assert read_json_member(path, "x.json") == [1]
    assert fetch(package, tmp_path / "sources", "file:///nowhere") == path


def test_a_package_of_another_content_is_refused(registry, tmp_path):
    address, package = registry
    other = Package(package.name, package.version, "AAAA", package.license)
    with pytest.raises(SourceError, match="digest differs"):
        fetch(other, tmp_path / "sources", address)


def test_a_package_that_is_not_there_says_what_to_do(registry, tmp_path):
    _, package = registry
    with pytest.raises(SourceError, match=r"put b-1\.0\.0\.tgz into sources/"):
        fetch(package, tmp_path / "sources", (tmp_path / "nothing").as_uri())


def test_icons_are_found_by_code_and_alias_and_rasterized_in_ink(tmp_path):
    icons = {
        "icons": {"cat": {"body": HALF}},
        "aliases": {"kitty": {"parent": "cat"}, "left": {"parent": "cat", "hFlip": True}},
        "width": 16,
        "height": 16,
    }
    chars = {"1f431": "cat", "1f408-fe0f": "kitty", "1f3f3": "left", "1f4a9": "cat"}
    path = archive(tmp_path / "i.tgz", **{"icons.json": icons, "chars.json": chars})
    drawn = dict(rasterize_icons(path, 8, {"1f431", "1f408", "1f3f3"}))
    assert set(drawn) == {"1f431", "1f408"}
    assert drawn["1f408"][4, 1].tolist() == [0x20, 0x20, 0x20, 255]
    assert drawn["1f408"][4, 6, 3] == 0


def test_finished_images_are_fitted_into_a_square(tmp_path):
    path = archive(tmp_path / "p.tgz", **{"assets/1f431.webp": webp((200, 0, 0, 255))})
    ((code, rgba_HW4),) = scaled_images(path, 8, {"1f431"})
    assert (code, rgba_HW4.shape) == ("1f431", (8, 8, 4))
    assert rgba_HW4[0, 4, 3] == 0
    assert rgba_HW4[4, 4].tolist() == [200, 0, 0, 255]


def test_artwork_that_is_wider_than_high_stays_in_its_square():
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 4 2" width="4" height="2"><path d="M0 0h4v2H0z"/></svg>'  # noqa: E501
    assert rasterize_svg(svg, 8)[..., 3].max(axis=1).tolist() == [0, 0, 255, 255, 255, 255, 0, 0]


def test_subjects_are_chosen_by_group_and_near_twins_are_left_out():
    names = ["cat-face", "person", "flag", "sky-weather"]
    messages = {"subgroups": [{"order": n, "key": key} for n, key in enumerate(names)]}
    entries = [
        {"hexcode": "1F431", "label": "cat face", "subgroup": 0, "tags": ["Kitten"]},
        {"hexcode": "1F9D1", "label": "person", "subgroup": 1},
        {"hexcode": "1F3F3-FE0F", "label": "white flag", "subgroup": 2},
        {"hexcode": "1F312", "label": "waxing crescent moon", "subgroup": 3},
        {"hexcode": "1F1E6", "label": "regional indicator A"},
    ]
    assert read_subjects(entries, messages) == [
        Subject("1f431", "cat face", ("kitten",), True),
        Subject("1f9d1", "person", (), False),
        Subject("1f312", "waxing crescent moon", (), False),
    ]


def test_variation_selectors_do_not_tell_codes_apart():
    assert plain_code("2764-FE0F-200D-1F525") == "2764-200d-1f525"


def test_all_styles_of_a_subject_are_held_out_together():
    subjects = [Subject(f"{n:x}", f"thing {n}", (), True) for n in range(200)]
    empty = np.zeros((2, 2, 4), dtype=np.uint8)
    drawings = {style: {s.code: empty for s in subjects} for style in "abcd"}
    rows, _ = tabulate(subjects, drawings, DataSettings())
    held_out = {row.code for row in rows if row.held_out}
    assert 5 < len(held_out) < 40
    assert all(row.held_out == (row.code in held_out) for row in rows)


def test_a_subject_that_few_styles_know_is_seen_but_not_learned():
    drawings = {"3d": {"1": np.zeros((2, 2, 4), dtype=np.uint8)}, "ink": {}}
    (row,), _ = tabulate([Subject("1", "one", (), True)], drawings, DataSettings(least_styles=2))
    assert (row.style, row.learned) == ("3d", False)


@pytest.mark.parametrize(("background", "ink"), [("yellow", 32), ("black", 223)])
def test_ink_shows_on_every_background(background, ink):
    rgba_HW4 = np.full((4, 4, 4), [32, 32, 32, 255], dtype=np.uint8)
    image_HW3 = compose(rgba_HW4, "ink", background, (2, 1), 8)
    assert image_HW3[0, 0].tolist() == list(BACKGROUNDS[background])
    assert image_HW3[2, 1].tolist() == [ink] * 3
    assert image_HW3[1, 1].tolist() == list(BACKGROUNDS[background])


def test_captions_read_as_people_ask():
    assert caption("cat face", None, None, article=False, trailing=False) == "cat face"
    assert (
        caption("cat face", "ink", "blue", article=True, trailing=False)
        == "an ink cat face on a blue background"
    )
    assert caption("owl", "3d", "pink", article=False, trailing=True) == "owl, 3d, pink background"


def test_captions_name_as_much_as_they_are_set_to():
    random, full = np.random.default_rng(0), CaptionSettings(0, 1, 1, 1, 0)
    assert sample_caption(random, CAT, "blue", full) == "an ink cat face on a blue background"
    bare = CaptionSettings(1, 0, 0, 0, 0)
    assert sample_caption(random, CAT, "blue", bare) == "kitten"


def test_settings_are_written_once_and_read_back(tmp_path):
    assert read_settings(tmp_path / "work") == EmojiSettings()
    stored = json.loads((tmp_path / "work" / "settings.json").read_text())
    stored["autoencoder"]["loop"]["steps"] = 7
    (tmp_path / "work" / "settings.json").write_text(json.dumps(stored))
    assert read_settings(tmp_path / "work").autoencoder.loop.steps == 7


@pytest.mark.parametrize(
    "value", [{"nonsense": 1}, {"data": {"side": "wide"}}, {"tokenizer": {"length": True}}]
)
def test_settings_that_make_no_sense_are_refused(value):
    with pytest.raises(InvalidSettings):
        settings_from_json(value)


def test_images_that_were_not_made_are_asked_for(tmp_path):
    with pytest.raises(NoImages, match="command data first"):
        read_images(tmp_path)
