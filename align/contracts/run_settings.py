"""Settings of a run as a form shows them: what each is, its default and what it may be."""

import ast
import inspect
from typing import NotRequired, TypedDict


class SettingField(TypedDict):
    """One setting of a run, for the model that is open."""

    name: str
    default: str | int | float
    """Its value where nobody sets it, by the preset of the model."""
    help: str
    """What it means."""
    low: NotRequired[float]
    """The least that it may be; missing for texts and choices."""
    high: NotRequired[float]
    choices: NotRequired[list[str]]
    """What it may be, where that is one of a few."""


class ObjectiveChoice(TypedDict):
    """An objective, for a person who chooses one."""

    name: str
    """Its name among the settings, such as dpo."""
    plain: str
    """What it does in a few words."""
    title: str
    """The field's name of it, such as Diffusion-DPO."""
    about: str
    """When to choose it."""


class RunSettingFields(TypedDict):
    """All settings of a run, for the model that is open."""

    fields: list[SettingField]
    objectives: list[ObjectiveChoice]
    budgets: dict[str, float]
    """Values of the setting `budget`, with the share of the model's own budget that each is."""
    former: dict[str, str]
    """Former names of settings and the present ones."""


def field_docs(owner: type) -> dict[str, str]:
    """Return the docstring under each field of a class, on one line."""
    (node,) = ast.parse(inspect.getsource(owner)).body
    assert isinstance(node, ast.ClassDef)
    docs = {}
    for here, after in zip(node.body, node.body[1:], strict=False):
        if isinstance(here, ast.AnnAssign) and isinstance(after, ast.Expr):
            value = ast.literal_eval(after.value)
            docs[ast.unparse(here.target)] = " ".join(value.split())
    return docs
