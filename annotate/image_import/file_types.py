"""File types: which files of a folder are read as images, by their endings or their content."""

import os
from pathlib import Path

from annotate.image_import.containers.kinds import IMAGES, NOT_READ, READ, START, kind_of
from storage.safe_files import SkippedFile, read_start

IMAGE_ENDINGS = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .jfi .jif .pjpeg .pjp .mpo .webp".split()
)
"""Endings of PNG, JPEG and WebP files."""
OTHER_ENDINGS = frozenset(
    ".gif .bmp .dib .tif .tiff .avif .avifs .heic .heif .heics .heifs .hif .jxl .jxr .wdp .jp2 "
    ".j2k .j2c .jpf .jpx .jpm .jpc .ppm .pgm .pbm .pnm .pfm .pam .tga .icb .vda .vst .dds .exr "
    ".hdr .ktx .ico .cur .icns .pcx .sgi .ras .xbm .xpm .xwd .wbmp .wmf .emf .svg .svgz .qoi .bpg "
    ".flif .psd .psb .xcf .kra .ora .clip .dng .cr2 .cr3 .nef .arw .raf .orf .rw2 .pef .srw .mng "
    ".eps".split()
)
"""Endings of other image formats, which are not read."""
TEXT_ENDINGS = frozenset(
    ".txt .caption .json .jsonl .csv .tsv .parquet .md .yaml .yml .toml .ini .log .html .htm .xml "
    ".xmp .py .js .safetensors .ckpt .pt .pth .bin .zip .gz .7z .rar .tar .mp4 .webm .mov "
    ".db".split()
)
"""Endings of files that are certainly no images; they are not opened."""


def reason_against(path: Path, root: Path) -> str | None:
    """Return why a file is not read as an image; None for one that is read.

    Empty for a file that does not claim to be an image, which is passed over silently.
    """
    ending = os.path.splitext(path.name)[1].lower()
    if ending in IMAGE_ENDINGS:
        return None
    if ending in TEXT_ENDINGS:
        return ""
    kind = _kind_of(path, root)
    if kind in READ:
        return None
    if ending in OTHER_ENDINGS:
        return NOT_READ
    return f"{NOT_READ} but {kind}" if kind in IMAGES else ""


def _kind_of(path: Path, root: Path) -> str | None:
    try:
        return kind_of(read_start(path, root, START))
    except SkippedFile:
        return None
