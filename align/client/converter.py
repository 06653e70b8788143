"""Exports and imports of weights in child processes, for an app that never imports torch."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

from align.client.trainer import process_options, python_environment
from align.client.weight_files import check_whole
from align.contracts.models import ModelInfo
from align.contracts.weights import ImportedWeights
from align.errors import ConversionFailed

ERROR_PREFIX = "align: "
"""`python -m align` puts it before the sentence of an expected error."""


class ConverterProcess:
    """Runs one command of `python -m align` at a time, for any thread."""

    def __init__(self, python: str = sys.executable) -> None:
        self._python = python
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
        return ["--model", model.path] if named else []

    def _run(self, arguments: list[str]) -> str:
        with self._one_at_a_time:
            # `_guard` is held for a moment only, so that `stop` need not wait for the command.
            with self._guard:
                child = self._child = subprocess.Popen(
                    [self._python, "-m", "align", *arguments],
                    env=python_environment(),
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
