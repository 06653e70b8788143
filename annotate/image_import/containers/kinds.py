"""Kind of a file by its first bytes, whatever its name says."""

from annotate.png_chunks import PNG_SIGNATURE

PNG, JPEG, WEBP = "PNG", "JPEG", "WebP"
READ = frozenset({PNG, JPEG, WEBP})
BMP = "BMP"
IMAGES = frozenset(
    {"GIF", BMP, "TIFF", "Photoshop", "JPEG XL", "JPEG 2000", "HEIC", "AVIF", "OpenEXR", "DDS"}
)
"""Kinds of images that are not read."""
SIGNATURES = {
    PNG_SIGNATURE: PNG,
    b"\xff\xd8\xff": JPEG,
    b"GIF87a": "GIF",
    b"GIF89a": "GIF",
    b"II*\0": "TIFF",
    b"MM\0*": "TIFF",
    b"II+\0": "TIFF",
    b"MM\0+": "TIFF",
    b"8BPS": "Photoshop",
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"\0\0\0\x0cjP  ": "JPEG 2000",
    b"\xff\x4f\xff\x51": "JPEG 2000",
    b"\0\0\1\0": "an icon",
    b"DDS ": "DDS",
    b"v/1\1": "OpenEXR",
    b"#?RADIANCE": "Radiance HDR",
    b"qoif": "QOI",
    b"gimp xcf": "GIMP",
    b"%PDF": "PDF",
    b"%!PS": "PostScript",
    b"PK\3\4": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"Rar!": "a RAR archive",
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive",
    b"\x1a\x45\xdf\xa3": "a film",
    b"OggS": "a film",
    b"version https://git-lfs": "a pointer of git-lfs",
}
"""First bytes of files that are found under the names of images."""
BRANDS = {
    "HEIC": (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"),
    "AVIF": (b"avif", b"avis"),
    "JPEG XL": (b"jxl ",),
    "a film": (b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"M4V ", b"qt  "),
}
"""Brands in the `ftyp` box of ISO media files."""
PAGES = {b"<!doctype html": "a web page", b"<html": "a web page", b"<svg": "SVG", b"<?xml": "XML"}
NOT_READ = "not a PNG, JPEG or WebP file"
START = 32
"""Bytes that are enough to tell a kind."""


def kind_of(start: bytes) -> str | None:
    """Return the kind of a file by its first bytes; None for an unknown one."""
    if start[:4] == b"RIFF":
        return WEBP if start[8:12] == b"WEBP" else "a film or a sound"
    if start[:2] == b"BM" and start[6:10] == b"\0\0\0\0":
        return BMP
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        return next((kind for kind, brands in BRANDS.items() if brand in brands), None)
    matches = (kind for known, kind in SIGNATURES.items() if start.startswith(known))
    page = start.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    pages = (kind for known, kind in PAGES.items() if page.startswith(known))
    return next(matches, None) or next(pages, None)


def refusal(start: bytes) -> str | None:
    """Return why a file is skipped, by its first bytes; None for one that is read."""
    kind = kind_of(start)
    return None if kind in READ else f"{NOT_READ} but {kind}" if kind else NOT_READ
