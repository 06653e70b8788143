"""Torch's build, read from its files: importing it takes seconds, and fails where it is broken."""

from __future__ import annotations

import ast
import importlib.util
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class TorchBuild:
    """Version of torch, and what it was built for."""

    version: str
    """Without its build, such as 2.13.0."""
    build: str
    """cpu, cu130, rocm7.2 or xpu."""

    @property
    def cuda(self) -> tuple[int, int] | None:
        """Return the version of CUDA that it was built for."""
        number = self.build.removeprefix("cu")
        if number == self.build or not number.isdecimal() or len(number) < 3:
            return None
        return int(number[:-1]), int(number[-1])


def torch_build() -> TorchBuild | None:
    """Return the build of the torch that is installed; None where there is none."""
    try:
        found = importlib.util.find_spec("torch")
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    try:
        text = Path(found.origin).with_name("version.py").read_text("utf-8")
    except OSError:
        return None
    return read_build(text)


def read_build(text: str) -> TorchBuild | None:
    """Read torch's version.py, a file of plain assignments."""
    try:
        assigned = _assignments(ast.parse(text))
    except (SyntaxError, ValueError):
        return None
    version, _, local = (assigned.get("__version__") or "").partition("+")
    if not version:
        return None
    if cuda := assigned.get("cuda"):
        return TorchBuild(version, f"cu{cuda.replace('.', '')}")
    if hip := assigned.get("hip"):
        numbers = ".".join(hip.split(".")[:2])
        return TorchBuild(version, local or f"rocm{numbers}")
    return TorchBuild(version, "xpu" if assigned.get("xpu") else "cpu")


def _assignments(module: ast.Module) -> dict[str, str]:
    """Return the names that texts are assigned to."""
    found: dict[str, str] = {}
    for line in module.body:
        if isinstance(line, ast.Assign):
            targets, value = line.targets, line.value
        elif isinstance(line, ast.AnnAssign) and line.value is not None:
            targets, value = [line.target], line.value
        else:
            continue
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            found |= {each.id: value.value for each in targets if isinstance(each, ast.Name)}
    return found
