"""Image files and texts made to harm whoever reads them; all are small on disk."""

import io
import json
import os
import random
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from image_files_made import a1111, save_png, scene
from PIL import Image

Harm = Callable[[Path], object]
SPARSE = 60 << 30


def pipe(path: Path) -> None:
    os.mkfifo(path)


def unix_socket(path: Path) -> None:
    here = os.getcwd()
    # The name of a socket may have a hundred bytes.
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def zeros(path: Path) -> None:
    path.symlink_to("/dev/zero")


def terminal(path: Path) -> None:
    path.symlink_to("/dev/tty")


def own_memory(path: Path) -> None:
    path.symlink_to("/proc/self/mem")


def sparse_giant(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n")
        file.truncate(SPARSE)


def image_outside(path: Path) -> None:
    outside = path.parent.parent / f"outside-{path.name}"
    a1111(outside, "the secret", 7)
    path.symlink_to(outside)


def links_in_a_ring(path: Path) -> None:
    path.symlink_to(path.name)


def folder(path: Path) -> None:
    path.mkdir()


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4) + kind + content + zlib.crc32(kind + content).to_bytes(4)


def png_with(*chunks: bytes) -> bytes:
    buffer = io.BytesIO()
    scene(5).save(buffer, "PNG")
    content = buffer.getvalue()
    return content[:33] + b"".join(chunks) + content[33:]


def compressed_text(path: Path) -> None:
    bomb = zlib.compress(b"a" * 5_000_000, 9)
    path.write_bytes(png_with(chunk(b"zTXt", b"parameters\0\0" + bomb)))


def international_text(path: Path) -> None:
    bomb = zlib.compress(b"a" * 5_000_000, 9)
    path.write_bytes(png_with(chunk(b"iTXt", b"parameters\0\1\0\0\0" + bomb)))


def compressed_profile(path: Path) -> None:
    path.write_bytes(png_with(chunk(b"iCCP", b"p\0\0" + zlib.compress(b"a" * 5_000_000, 9))))


def thousands_of_texts(path: Path) -> None:
    text = zlib.compress(b"a" * 1_000_000, 9)
    path.write_bytes(png_with(*(chunk(b"zTXt", b"k%d\0\0" % n + text) for n in range(70))))


def crumbs(path: Path) -> None:
    path.write_bytes(png_with(chunk(b"ruBy", b"") * 150_000))


def greedy_exif(size: int = 200_000, entries: int = 5_000) -> bytes:
    """EXIF whose entries all claim the same bytes: a gigabyte in all."""
    rows = (struct.pack(">HHII", 0x100 + n, 7, size - 100, 50) for n in range(entries))
    tiff = b"MM\0*\0\0\0\x08" + struct.pack(">H", entries) + b"".join(rows)
    return b"Exif\0\0" + tiff.ljust(size, b"\0")


def exif_in_png(path: Path) -> None:
    path.write_bytes(png_with(chunk(b"eXIf", greedy_exif()[6:])))


def exif_as_hex(path: Path) -> None:
    text = b"\nexif\n  200000\n" + greedy_exif(100_000, 4_000).hex().encode()
    bomb = zlib.compress(text)
    path.write_bytes(png_with(chunk(b"zTXt", b"Raw profile type exif\0\0" + bomb)))


def exif_in_webp(path: Path) -> None:
    scene(9).save(path, "WEBP", exif=greedy_exif())


def jpeg(size: tuple[int, int] = (64, 64), **options: Any) -> bytes:
    buffer = io.BytesIO()
    scene(9, size).save(buffer, "JPEG", **options)
    return buffer.getvalue()


def exif_in_jpeg(path: Path) -> None:
    content, exif, parts = jpeg(), greedy_exif()[6:], b""
    for start in range(0, len(exif), 60_000):
        part = b"Exif\0\0" + exif[start : start + 60_000]
        parts += b"\xff\xe1" + (len(part) + 2).to_bytes(2) + part
    path.write_bytes(content[:2] + parts + content[2:])


def exif_in_pieces(path: Path) -> None:
    content, piece = jpeg(), b"\xff\xe1\0\x18Exif\0\0" + b"\0" * 16
    path.write_bytes(content[:2] + piece * 200 + content[2:])


def thousands_of_scans(path: Path) -> None:
    content = jpeg((512, 512), progressive=True)
    scan = content[content.rfind(b"\xff\xc4", 0, content.rfind(b"\xff\xda")) : -2]
    path.write_bytes(content[:-2] + scan * 2_000 + content[-2:])


def said_size(path: Path) -> None:
    content = bytearray(jpeg())
    at = content.find(b"\xff\xc0")
    content[at + 5 : at + 9] = (60_000).to_bytes(2) * 2
    path.write_bytes(content)


def canvas(path: Path) -> None:
    buffer = io.BytesIO()
    scene(9).save(buffer, "WEBP", exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0")
    content = bytearray(buffer.getvalue())
    content[24:30] = (16_000).to_bytes(3, "little") * 2
    path.write_bytes(content)


def endless_pixels(path: Path) -> None:
    """64 pixels wide and high, with data for 2,000 times as many."""
    content = png_with()
    start, end = content.find(b"IDAT") - 4, content.find(b"IEND") - 4
    data = chunk(b"IDAT", zlib.compress(b"\0" * 25_000_000, 9))
    path.write_bytes(content[:start] + data + content[end:])


def comfy_chain() -> str:
    """A prompt at the end of 20,000 links: Python's stack holds 1,000."""
    graph = {"s": {"class_type": "KSampler", "inputs": {"positive": ["0", 0]}}}
    for n in range(20_000):
        graph[str(n)] = {"class_type": "X", "inputs": {"conditioning": [str(n + 1), 0]}}
    graph["20000"] = {"class_type": "CLIPTextEncode", "inputs": {"text": "a red fox"}}  # type: ignore[dict-item]
    return json.dumps(graph)


def comfy_ring() -> str:
    """As many samplers as there are nodes in the ring behind each: 25 million steps."""
    graph = {}
    for n in range(5_000):
        graph[f"s{n}"] = {"class_type": "KSampler", "inputs": {"positive": ["0", 0]}}
        graph[str(n)] = {"class_type": "X", "inputs": {"conditioning": [str((n + 1) % 5_000), 0]}}
    return json.dumps(graph)


def colliding_links() -> str:
    """Numbers that Python's dict puts in one place."""
    links = [[n * (2**61 - 1), 0, 0, 0] for n in range(20_000)]
    return json.dumps({"nodes": [], "links": links})


def odd_graph() -> str:
    nodes = [
        {"id": [1], "type": {"a": 1}, "inputs": 5, "widgets_values": "text"},
        {"id": 2, "type": "KSampler", "inputs": [{"name": [], "link": [1]}, 7]},
        "node",
    ]
    return json.dumps({"nodes": nodes, "links": [[[1], 2, 3, 4, 5], [], 9]})


def damaged(kind: str, count: int) -> list[bytes]:
    """Files cut off, and files with a few bytes changed."""
    buffer = io.BytesIO()
    scene(4).save(buffer, kind)
    content, chance = buffer.getvalue(), random.Random(1)
    cut = [content[: len(content) * n // count] for n in range(count)]
    changed = []
    for _ in range(count):
        copy = bytearray(content)
        for _ in range(6):
            copy[chance.randrange(len(copy))] = chance.randrange(256)
        changed.append(bytes(copy))
    return cut + changed


def with_parameters(path: Path, text: str) -> None:
    save_png(path, scene(3), parameters=text)


def frames(path: Path) -> None:
    still = [Image.new("RGB", (16, 16), (n % 256, n // 256, 0)) for n in range(500)]
    still[0].save(path, save_all=True, append_images=still[1:])
