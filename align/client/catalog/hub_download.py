"""Downloads of large files that go on where an earlier one stopped, also one of an earlier app.

The hub's library throws away what it has of a file when a download breaks off. So the content is
brought into the cache here, under the name that the library gives it; the library then finds it
there and links it.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlparse

from align.client.catalog.hub_cache import cache_folder

if TYPE_CHECKING:
    from huggingface_hub import HfApi

SHA256 = re.compile(r"[0-9a-f]{64}")
"""The name of a large file's content; small files, which git holds itself, have shorter ones."""


def fetch_content(api: HfApi, cache: Path, name: str, commit: str, file: str) -> None:
    """Bring the content of a large file into the cache; go on where an earlier try stopped.

    Raises what the hub's library raises, or OSError for content that is not what was announced.
    """
    # Only those who download wait for the import.
    from huggingface_hub import file_download  # noqa: PLC0415
    from huggingface_hub.utils._fixes import WeakFileLock  # noqa: PLC0415
    from huggingface_hub.utils._headers import build_hf_headers  # noqa: PLC0415

    url = file_download.hf_hub_url(name, file, revision=commit, endpoint=api.endpoint)
    facts = file_download.get_hf_file_metadata(url, token=api.token, endpoint=api.endpoint)
    if not SHA256.fullmatch(facts.etag or "") or not facts.size:
        return

    content = cache / cache_folder(name) / "blobs" / str(facts.etag)
    content.parent.mkdir(parents=True, exist_ok=True)
    partial = content.with_suffix(".incomplete")
    # The sampler and a trainer may want the same model at once.
    with WeakFileLock(partial.with_suffix(".lock")):
        if content.exists():
            return
        elsewhere = urlparse(facts.location).netloc != urlparse(url).netloc
        headers = build_hf_headers(token=False if elsewhere else api.token)
        with partial.open("ab") as stream:
            there = stream.tell()
            file_download.http_get(
                facts.location, stream, resume_size=there, headers=headers, expected_size=facts.size
            )
        _finish(partial, content, check=there > 0)


def _finish(partial: Path, content: Path, check: bool) -> None:
    """Give a whole file its name, after a check of what two tries were put together from."""
    if check:
        with partial.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != content.name:
            partial.unlink()
            raise OSError(f"{content.name[:12]} was damaged on the way; it is downloaded again")
    os.replace(partial, content)
