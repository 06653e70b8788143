"""Old names of endpoints, kept for one release; docs/renamed.md lists them for users."""

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from annotate.views.blind_test_results import (
    BlindTestAnswer,
    BlindTestView,
    SavedReport,
    SavedReportAnswer,
)
from annotate.views.project import FlagAnswer, FlagView


@dataclass(frozen=True, slots=True)
class Alias:
    """An old name of an endpoint, with what differed under that name."""

    endpoint: str
    """The name of today."""
    parameters: Mapping[str, str] = field(default_factory=dict)
    """Parameters that were renamed, old to new."""
    fixed: Mapping[str, Any] = field(default_factory=dict)
    """Parameters that the old name lacked, with the value that it stood for."""


ALIASES = {
    "mark_known": Alias("mark_gold"),
    "activate_anyway": Alias("activate", fixed={"force": True}),
    "report_pair": Alias("flag_pair"),
    "reports": Alias("flags"),
    "decide_report": Alias("decide_flag", {"report": "flag"}),
    "remark": Alias("annotate_vote"),
    "trial_pair": Alias("blind_test_pair", {"trial": "blind_test"}),
    "start_trial": Alias("start_blind_test", {"act": "activate_winner"}),
    "trials": Alias("blind_tests"),
    "end_trial": Alias("end_blind_test", {"trial": "blind_test"}),
    "report_trial": Alias("save_blind_test_report", {"trial": "blind_test"}),
    "look_at_folder": Alias("preview_import"),
}
"""Every old name that is still answered."""


def current_name(name: str) -> str:
    """Return the name of today of an endpoint."""
    return ALIASES[name].endpoint if name in ALIASES else name


def under_old_name(endpoint: Callable[..., Any], old_name: str) -> Callable[..., Any]:
    """Return an endpoint under its old name, with the parameters of then in the same order."""
    alias = ALIASES[old_name]
    signature = inspect.signature(endpoint)
    old_of = {new: old for old, new in alias.parameters.items()}
    parameters = [
        parameter.replace(name=old_of.get(name, name))
        for name, parameter in signature.parameters.items()
        if name not in alias.fixed
    ]
    shape = signature.replace(parameters=parameters)

    @functools.wraps(endpoint)
    def renamed(*args: Any, **kwargs: Any) -> Any:
        given = shape.bind(*args, **kwargs).arguments
        today = {alias.parameters.get(name, name): value for name, value in given.items()}
        return endpoint(**today, **alias.fixed)

    # Gradio reads name, hints and signature to describe the endpoint to clients.
    renamed.__name__ = old_name
    renamed.__doc__ = f"Do as /{alias.endpoint}; this old name goes with the next release."
    renamed.__annotations__ = {
        old_of.get(name, name): hint
        for name, hint in endpoint.__annotations__.items()
        if name not in alias.fixed
    }
    renamed.__dict__["__signature__"] = shape
    return renamed


def flag_answer(flag: FlagView) -> FlagAnswer:
    """Return a flagged pair with its number under both names."""
    return {**flag, "flag": flag["report"]}


def blind_test_answer(blind_test: BlindTestView) -> BlindTestAnswer:
    """Return a blind test with its renamed keys under both names."""
    return {
        **blind_test,
        "blind_test": blind_test["trial"],
        "activate_winner": blind_test["act"],
    }


def saved_report_answer(report: SavedReport) -> SavedReportAnswer:
    """Return a saved report with its renamed key under both names."""
    return {**report, "blind_test": report["trial"]}
