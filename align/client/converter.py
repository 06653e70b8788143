"""Exports and imports of weights in child processes, for an app that never imports torch.

Also the folder in which another program looks for LoRA files.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from align.client.trainer import process_options, python_environment
from align.client.weight_files import check_whole
from align.contracts.models import ModelInfo
from align.contracts.rendering import RenderSettings
from align.contracts.weights import ImportedWeights, SentFile
from align.errors import ConversionFailed, UnusableFolder

ERROR_PREFIX = "align: "
"""`python -m align` puts it before the sentence of an expected error."""
LORA_PLACES = ("models/loras", "models/Lora", "loras", "Lora")
"""LoRA folders within the folders of ComfyUI, of A1111 and Forge, and of their models."""
OTHER_PLACES = (
    "checkpoints", "stable-diffusion", "diffusion_models", "unet", "vae", "clip", "text_encoders",
    "controlnet", "embeddings", "upscale_models",
)  # fmt: skip
"""Names of the folders beside it, in lower case, in which no LoRA is looked for."""


class ConverterProcess:
    """Runs one command of `python -m align` at a time, for any thread."""

    def __init__(
        self, python: str = sys.executable, environment: Mapping[str, str] | None = None
    ) -> None:
        self._python, self._environment = python, environment
        self._one_at_a_time = threading.Lock()
        self._guard = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

    def export(self, source: Path, target: Path, form: str, model: ModelInfo) -> None:
        """Write an adapter in another form; `source` is a run folder or an adapter file.

        Raises:
            ConversionFailed: with the sentence that the command ended with.
        """
        arguments = ["export", str(source.resolve()), str(target.resolve()), "--form", form]
        # A run folder names its own base; a file alone does not tell the names of its layers.
        self._run([*arguments, *self._base(model, not source.is_dir())])

    def lora_folder(self, path: Path) -> Path:
        """Return the LoRA folder that a person means; raises UnusableFolder."""
        return find_lora_folder(path)

    def send(
        self,
        source: Path,
        folder: Path,
        name: str,
        model: ModelInfo,
        settings: RenderSettings,
        strength: float,
    ) -> SentFile:
        """Write an adapter and a note of `settings` into the LoRA folder of another program.

        Raises:
            UnusableFolder: it cannot take LoRA files.
            ConversionFailed: with the sentence that the command ended with.
        """
        find_lora_folder(folder)
        words = ["send", str(source.resolve()), str(folder.resolve()), "--name", name]
        words += ["--strength", str(strength), "--settings", json.dumps(asdict(settings))]
        output = self._run([*words, *self._base(model, not source.is_dir())])
        sent: SentFile = json.loads(output.strip().splitlines()[-1])
        return sent

    def import_weights(self, source: Path, target: Path, model: ModelInfo) -> ImportedWeights:
        """Check a LoRA or a tuned model against the base, copy it to `target` and describe it.

        Raises:
            BrokenModel: it is no whole safetensors file.
            ConversionFailed: with the sentence that the command ended with.
        """
        if source.suffix == ".safetensors" and source.is_file():
            # Most files that are no weights are refused here, before a process imports torch.
            check_whole(source)
        arguments = ["check", str(source.resolve()), str(target.resolve())]
        output = self._run([*arguments, *self._base(model, True)])
        facts: ImportedWeights = json.loads(output.strip().splitlines()[-1])
        return facts

    def stop(self) -> None:
        """Kill the command that runs now, if one does."""
        with self._guard:
            if self._child is not None:
                self._child.kill()

    def _base(self, model: ModelInfo, named: bool) -> list[str]:
        if not named:
            return []
        chosen = {"--vae": model.vae, "--prediction": model.prediction}
        options = [word for flag, value in chosen.items() if value for word in (flag, value)]
        return ["--model", model.path, *options]

    def _run(self, arguments: list[str]) -> str:
        with self._one_at_a_time:
            # `_guard` is held for a moment only, so that `stop` need not wait for the command.
            with self._guard:
                child = self._child = subprocess.Popen(
                    [self._python, "-m", "align", *arguments],
                    env=python_environment(self._environment),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    text=True,
                    encoding="utf-8",
                    errors="replace",
                    **process_options(low_priority=True),
                )
            try:
                output, errors = child.communicate()
            finally:
                with self._guard:
                    self._child = None

        if child.returncode:
            raise ConversionFailed(failure_sentence(child.returncode, errors))
        return output


def failure_sentence(code: int, errors: str) -> str:
    """Return the sentence about a command that failed, by its exit code and stderr."""
    lines = [line for line in errors.strip().splitlines() if line.strip()]
    for line in reversed(lines):
        if line.startswith(ERROR_PREFIX):
            return line.removeprefix(ERROR_PREFIX)
    if code < 0 or not lines:
        return "It was stopped before it was done, and nothing was written."
    return f"It failed: {lines[-1][:300]}"


def find_lora_folder(path: Path) -> Path:
    """Return the folder for LoRA files that a person means: this one, or the one within it.

    Args:
        path: a LoRA folder, or the folder of ComfyUI, A1111 or Forge or its models folder.

    Raises:
        UnusableFolder: it is missing, for other files, or cannot be written to.
    """
    folder = path.expanduser().resolve()
    if not folder.is_dir():
        what = "is a file, not a folder" if folder.exists() else "is not there"
        raise UnusableFolder(
            f"{folder} {what}. Name the folder in which your program looks for LoRA files, such as "
            "ComfyUI/models/loras or stable-diffusion-webui/models/Lora."
        )

    found = next((folder / place for place in LORA_PLACES if (folder / place).is_dir()), folder)
    if found.name.lower() in OTHER_PLACES:
        raise UnusableFolder(
            f"{found} is for other models, and no program looks for LoRA files there. Name the "
            "LoRA folder beside it: loras in ComfyUI, Lora in A1111 and Forge."
        )
    if not os.access(found, os.W_OK | os.X_OK):
        raise UnusableFolder(
            f"{found} cannot be written to. Allow Palate's user to write there, or name another "
            "folder."
        )
    return found
