"""Exports and imports without torch: it copies files, and can be told to fail or to take long."""

import hashlib
import threading
from pathlib import Path
from typing import Any

from annotate_doubles import Trouble

from annotate.versions.export_forms import FORMS


class CopyingConverter:
    """Writes what it was asked for; `trouble` makes it fail, `gate` makes it wait."""

    def __init__(self) -> None:
        self.trouble: str | None = None
        self.gate = threading.Event()
        self.gate.set()
        self.exported: list[tuple[Path, str]] = []
        self.sent: list[dict[str, Any]] = []
        self._stopped = False

    def export(self, source: Path, target: Path, form: str, model: Any) -> None:
        self._work()
        self.exported.append((source, form))
        if FORMS[form].folder:
            (target / "unet").mkdir(parents=True)
            target = target / "unet" / "weights"
        target.write_bytes(b"exported")

    def lora_folder(self, path: Path) -> Path:
        if not path.is_dir():
            raise Trouble(f"{path} is not there.")
        return path / "loras"

    def send(
        self, source: Path, folder: Path, name: str, model: Any, settings: Any, strength: float
    ) -> dict[str, Any]:
        self._work()
        self.sent.append({"source": source, "settings": settings})
        file = folder / f"{name}.safetensors"
        before = file.exists()
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"sent")
        return {
            "file": str(file),
            "form": "kohya",
            "strength": strength,
            "replaced": before,
            "notes": [f"{name}.txt", f"{name}.json"],
        }

    def import_weights(self, source: Path, target: Path, model: Any) -> dict[str, Any]:
        self._work()
        content = source.read_bytes()
        target.write_bytes(content)
        facts = {"kind": "lora", "form": "kohya", "rank": 4, "alpha": 2.0, "layers": 96}
        return facts | {"sha256": hashlib.sha256(content).hexdigest()}

    def stop(self) -> None:
        self._stopped = True
        self.gate.set()

    def _work(self) -> None:
        self.gate.wait(60)
        if self._stopped:
            raise Trouble("It was stopped before it was done, and nothing was written.")
        if self.trouble:
            raise Trouble(self.trouble)
