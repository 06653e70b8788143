"""Which files of a folder are looked at as images, by their endings, or else by their content."""

import os
from pathlib import Path

from annotate.image_import.containers.kinds import IMAGES, NOT_READ, READ, START, kind_of
from annotate.safe_files import SkippedFile, read_start

IMAGE_ENDINGS = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .jfi .jif .pjpeg .pjp .mpo .webp".split()
)
"""What PNG, JPEG and WebP files are called."""
OTHER_ENDINGS = frozenset(
    ".gif .bmp .dib .tif .tiff .avif .avifs .heic .heif .heics .heifs .hif .jxl .jxr .wdp .jp2 "
    ".j2k .j2c .jpf .jpx .jpm .jpc .ppm .pgm .pbm .pnm .pfm .pam .tga .icb .vda .vst .dds .exr "
    ".hdr .ktx .ico .cur .icns .pcx .sgi .ras .xbm .xpm .xwd .wbmp .wmf .emf .svg .svgz .qoi .bpg "
    ".flif .psd .psb .xcf .kra .ora .clip .dng .cr2 .cr3 .nef .arw .raf .orf .rw2 .pef .srw .mng "
    ".eps".split()
)
"""What other images are called."""
TEXT_ENDINGS = frozenset(
    ".txt .caption .json .jsonl .csv .tsv .parquet .md .yaml .yml .toml .ini .log .html .htm .xml "
    ".xmp .py .js .safetensors .ckpt .pt .pth .bin .zip .gz .7z .rar .tar .mp4 .webm .mov "
    ".db".split()
)
"""What is no image, for certain: it is not opened."""


def reason_against(path: Path, root: Path) -> str | None:
    """Return why a file is not looked at as an image; None for one that is.

    A file that does not say that it is an image is passed by without a reason: an empty text.
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
