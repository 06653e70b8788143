"""No expression takes more than linear time on what somebody sends, whatever that is.

Every regular expression of the two folders is found in their source, with the methods that it is
used by, and tried on texts that are made of the expression's own parts.
"""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]
METHODS = ("match", "fullmatch", "search", "sub", "split", "findall", "finditer")
LARGEST = 200_000
GROWS = 1.5
NOTICED_S = 0.004
"""Below this the clock and other programs say more than the expression does."""
TOO_LONG_S = 1.0
SUSPICIOUS, TOO_MUCH = 1.6, 1.9
"""Linear is 1.5 times as long for 1.5 times as much, quadratic 2.25 times."""
FINE = time.get_clock_info("thread_time").resolution < 1e-4
clock = time.thread_time if FINE else time.perf_counter
"""Time of this thread, where that is told exactly: other programs do not add to it."""


@dataclass(frozen=True)
class Used:
    """An expression and a method by which a text meets it."""

    where: str
    pattern: re.Pattern[Any]
    method: str

    def __str__(self) -> str:
        return f"{self.where}-{self.method}"

    def seconds(self, text: str, before: float) -> float:
        """Return the seconds it takes, measured again where that seems long after `before`."""
        given: Any = text if isinstance(self.pattern.pattern, str) else text.encode()
        method = getattr(self.pattern, self.method)
        arguments = (given[:0], given) if self.method == "sub" else (given,)
        taken: list[float] = []
        while len(taken) < 3 and (not taken or TOO_LONG_S > taken[-1] > SUSPICIOUS * before):
            began = clock()
            found = method(*arguments)
            if self.method == "finditer":
                # Not kept: collecting garbage among so many matches would take longer than them.
                deque(found, maxlen=0)
            taken.append(clock() - began)
        return min(taken)


def sources() -> dict[str, ast.Module]:
    files = [
        path for folder in ("annotate", "storage") for path in sorted((ROOT / folder).rglob("*.py"))
    ]
    names = {path: ".".join(path.relative_to(ROOT).with_suffix("").parts) for path in files}
    return {
        names[path].removesuffix(".__init__"): ast.parse(path.read_text(encoding="utf-8"))
        for path in files
        if not names[path].endswith("__main__")
    }


def expressions() -> Iterator[Used]:
    trees = sources()
    for name, tree in trees.items():
        module = importlib.import_module(name)
        for function, called in calls(tree):
            method = called.func.attr if isinstance(called.func, ast.Attribute) else ""
            of_re = (
                isinstance(called.func, ast.Attribute) and ast.unparse(called.func.value) == "re"
            )
            if of_re and method in METHODS:
                code = compile(ast.Expression(called.args[0]), name, "eval")
                pattern = re.compile(eval(code, vars(module)))
                yield Used(f"{name}:{function}", pattern, method)
        for variable, value in vars(module).items():
            if isinstance(value, re.Pattern):
                # In one order, for every process that collects these tests.
                for method in sorted(methods_of(variable, tree)):
                    yield Used(f"{name}.{variable}", value, method)


def calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Every call with the function that it is in: a line's number would change with any edit."""
    within: dict[ast.AST, str] = {tree: "module"}
    for node in ast.walk(tree):
        name = node.name if isinstance(node, ast.FunctionDef) else within[node]
        within.update(dict.fromkeys(ast.iter_child_nodes(node), name))
        if isinstance(node, ast.Call):
            yield within[node], node


def methods_of(variable: str, tree: ast.Module) -> set[str]:
    """By which methods a module uses an expression that it has a name for."""
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in METHODS
        and isinstance(node.value, ast.Name)
        and node.value.id == variable
    }


def texts(pattern: str) -> Iterator[str]:
    """Pieces that a text can be made of by repeating them, and what it begins and ends with."""
    letters = re.sub(r"\\[a-zA-Z]|\[[^\]]*\]|\(\?[a-zA-Z:<>=!]*|[{}()|?*+^$\\]", " ", pattern)
    parts = [part for part in letters.split() if part]
    pieces = [*"a 0_-./:;,<([{\"'\\\n=é", *parts, "".join(parts), "<lora:", "a ", "a/", '"\\']
    for piece in dict.fromkeys(filter(None, pieces)):
        yield from (f"{start}\0{piece}\0\n!" for start in dict.fromkeys(["1", *parts[:2]]))


def made(form: str, size: int) -> str:
    start, piece, end = form.split("\0")
    return start + piece * (size // len(piece)) + end


def worst(used: Used) -> str | None:
    """Return what makes an expression take more than its share of time; None for nothing."""
    for form in texts(str(used.pattern.pattern)):
        size, before, suspicious = 12.0, 0.0, 0
        while size <= LARGEST:
            now = used.seconds(made(form, int(size)), max(before, NOTICED_S / SUSPICIOUS))
            grew = before > NOTICED_S and now > TOO_MUCH * before
            suspicious = suspicious + 1 if grew else 0
            if suspicious == 3 or now > TOO_LONG_S:
                return f"{form!r} at {int(size):,} characters: {now:.2f} s"
            before = now
            size = size * (GROWS if now > NOTICED_S / 4 or size < 40 else 4)
    return None


EXPRESSIONS = list(expressions())


@pytest.mark.parametrize("used", EXPRESSIONS, ids=str)
def test_an_expression_takes_linear_time(used):
    assert worst(used) is None


def test_the_test_finds_expressions_and_sees_slow_ones():
    found = {used.where.split(":")[0].rsplit(".", 1)[0] for used in EXPRESSIONS}
    assert len(EXPRESSIONS) > 30 and "annotate.web.call_checks" in found
    for slow in (r"<lora:[^>]*>", r"\s*-\s*"):
        assert worst(Used("slow", re.compile(slow), "search")), slow
    assert worst(Used("quick", re.compile(r"<lora:[^<>]*>"), "search")) is None
