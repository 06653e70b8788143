"""What a file is, its content says: images are read whatever they are called, others counted."""

import io
import os
import sys
from pathlib import Path

import pytest
from image_files_made import a1111, scene
from image_headers import header_of
from metadata_files import encoded
from PIL import Image

from annotate.image_import.containers.kinds import kind_of, refusal
from annotate.image_import.decode import open_image
from annotate.image_import.folder import find_images
from storage.safe_files import SkippedFile

NOT_READ = "not a PNG, JPEG or WebP file"
HEIC = b"\0\0\0\x1cftypheic\0\0\0\0mif1heicmiaf" + b"\0" * 400
PAGE = b"\xef\xbb\xbf\n<!DOCTYPE html><html><title>Sign in</title></html>"


def found(folder: Path, files: dict[str, bytes]) -> tuple[list[str], dict[str, int]]:
    """Which files are read as images, and why others are counted."""
    a1111(folder / "good.png", "an owl", 1)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    seen = find_images(folder, folder.parent / "studio")
    names = [path.name for path in seen.images if path.name != "good.png"]
    return names, dict(seen.skipped.counts)


ODD = ("a.jpe", "a.jfif", "a.JPG", "a.pjpeg", "a.gif", "a.bmp", "a.tga", "a.heif", "a.ppm",
       "a", "a.jpg_large", "a.png~", "a.12", "ComfyUI_00001_", "a.JPG!d", "a.part")  # fmt: skip


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_an_image_is_read_under_any_ending_and_under_none(
    tmp_path: Path, name: str, kind: str
) -> None:
    folder = tmp_path / "in"
    assert found(folder, {name: encoded(kind), "a.txt": b"an owl"}) == ([name], {})
    (folder / (name + ".txt")).write_text("an owl", "utf-8")
    assert header_of(folder / name, folder, {}).prompt == "an owl"


OTHERS = ("gif bmp tif tiff avif heic heif jxl jp2 j2k ppm pgm tga dds exr hdr ico cur icns psd "
          "xcf svg qoi pcx dng cr2 nef xbm emf").split()  # fmt: skip


@pytest.mark.parametrize("ending", OTHERS)
def test_an_image_of_another_kind_is_counted(tmp_path: Path, ending: str) -> None:
    names, counted = found(tmp_path / "in", {f"a.{ending}": b"\1\2\3" * 40, f"b.{ending}": b""})
    assert (names, counted) == ([], {NOT_READ: 2})


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "TGA", "ICO", "JPEG2000", "DDS"])
def test_an_image_of_another_kind_under_the_ending_of_one_that_is_read_is_not_called_damaged(
    tmp_path: Path, kind: str
) -> None:
    content = encoded(kind, scene(5).convert("RGB"))
    for name in ("a.png", "b.jpg", "c.webp"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(SkippedFile, match=NOT_READ):
            header_of(tmp_path / name, tmp_path, {})


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (HEIC, "HEIC"),
        (HEIC.replace(b"heic", b"avif"), "AVIF"),
        (HEIC.replace(b"heic", b"isom"), "a film"),
        (PAGE, "a web page"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"version https://git-lfs.github.com/spec/v1\noid", "a pointer of git-lfs"),
        (b"RIFF\1\2\3\4AVI LIST", "a film or a sound"),
        (b"%PDF-1.7", "PDF"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_that_is_something_else_is_named(content: bytes, kind: str) -> None:
    with pytest.raises(SkippedFile) as skip:
        open_image(content)
    assert str(skip.value) == f"{NOT_READ} but {kind}"


@pytest.mark.parametrize("content", [b"hello", b"\0" * 200, b"\x89PN", b"BM, a note"])
def test_a_file_that_is_nothing_known_is_no_image_either(content: bytes) -> None:
    assert kind_of(content) is None and refusal(content) == NOT_READ


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_of_a_kind_that_is_read_is_damaged_where_it_breaks(kind: str) -> None:
    with pytest.raises(SkippedFile, match="damaged"):
        open_image(encoded(kind)[:16])


def test_files_that_are_no_images_are_passed_by_but_an_image_without_an_ending_is_counted(
    tmp_path: Path,
) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32)).save(buffer, "GIF")
    files = {
        "README.md": b"# Owls", "notes.txt": b"owls", "settings.json": b"{}", "a.safetensors": b"x",
        "Makefile": b"all:", "data.bin2": b"\0" * 90, "film": buffer.getvalue(), "photo": HEIC,
    }  # fmt: skip
    names, counted = found(tmp_path / "in", files)
    assert names == []
    assert counted == {f"{NOT_READ} but GIF": 1, f"{NOT_READ} but HEIC": 1}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_no_plain_file_is_not_opened_to_see_what_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    os.mkfifo(folder / "pipe")
    os.mkfifo(folder / "pipe.gif")
    (folder / "null").symlink_to("/dev/null")
    (tmp_path / "outside").write_bytes(encoded("PNG"))
    (folder / "link").symlink_to(tmp_path / "outside")
    assert found(folder, {}) == ([], {NOT_READ: 1})
