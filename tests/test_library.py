"""The public library: its names and signatures, and every example of docs/library.md."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
from programs import printed_by

import align

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs/library.md").read_text("utf-8")
SECTIONS = re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
EXAMPLES = {
    heading: found[1]
    for heading, text in SECTIONS
    if (found := re.search(r"^```python\n(.*?)```", text, re.M | re.S))
}
OBJECTIVE = "(errors, params)"
PUBLIC = {
    "align": {
        "AlignError": "",
        "Compute": "(device, weights, autocast)",
        "ImageSampler": "(model=None, compute=None)",
        "ImageSampler.render": "(self, prompts, seeds, *, adapter=None, weight=1.0, settings=None)",
        "ImageSampler.render_in_batches": (
            "(self, prompts, seeds, *, adapter=None, weight=1.0, settings=None)"
        ),
        "LabeledPair": "(prompt, chosen, rejected, kind='preference', strength=1, weight=1.0)",
        "LossParams": "(kappa, smoothing=0.1, sharpness=10.0, mapo_weight=0.1, dpop_lambda=1.0)",
        "ModelInfo": "",
        "PairErrors": (
            "(chosen_B, rejected_B, ref_chosen_B, ref_rejected_B, share_B, weight_B, liked_2B, "
            "baseline)"
        ),
        "PairErrors.of_preferences": (
            "(chosen_B, rejected_B, ref_chosen_B=None, ref_rejected_B=None, share_B=None)"
        ),
        "PairErrors.logits_B": "(self, kappa)",
        "PairErrors.rewards_2B": "(self, kappa)",
        "PreferencePair": (
            "(key, prompt, chosen, rejected, kind='preference', share=0.75, weight=1.0, trust=1.0, "
            "origins=<factory>, rendered_prompt='', plain=False, brought=False)"
        ),
        "RunFolder": "(path)",
        "RunFolder.metrics": "(self, since=0)",
        "RunFolder.status": "(self)",
        "TrainingSnapshot": "(pairs, left_out, references=<factory>)",
        "anchor_loss": OBJECTIVE,
        "cdpo": OBJECTIVE,
        "choose_compute": "(precision='auto', full_size=False, training=False)",
        "denoising_error": "(predicted_BCHW, target_BCHW)",
        "describe_model": "(name_or_path=None, hub=None, *, vae=None, prediction=None)",
        "dpo": OBJECTIVE,
        "dpop": OBJECTIVE,
        "fine_tune": (
            "(snapshot, run, *, model=None, init_from=None, cache=None, on_step=ignore_step, "
            "**settings)"
        ),
        "hinge": OBJECTIVE,
        "implicit_accuracy": "(logits_B)",
        "ipo": OBJECTIVE,
        "kto": OBJECTIVE,
        "mapo": OBJECTIVE,
        "preference_logits": "(chosen_B, rejected_B, ref_chosen_B, ref_rejected_B, kappa)",
        "rank_dpo": "(gap_LK, score_LK, kappa)",
        "rank_pairs": OBJECTIVE,
        "rank_weights": "(score_LK)",
        "read_pair_folder": "(folder, prompt='')",
        "read_snapshot": "(folder, kinds=('preference',))",
        "robust_dpo": OBJECTIVE,
        "smpo": OBJECTIVE,
        "soft_dpo": OBJECTIVE,
        "winner_sft": OBJECTIVE,
        "write_snapshot": "(folder, pairs)",
    },
    "annotate.statistics": {
        "E_VALUE_THRESHOLD": "",
        "Tally": "(wins, losses, ties=0)",
        "bootstrap_over_prompts": "(votes, level=0.95, seed=0)",
        "critical_wins": "(most)",
        "log_e_value": "(wins, losses)",
        "outcome": "(tally)",
        "sample_sizes": "(rates=(0.55, 0.6, 0.65, 0.7, 0.8))",
        "votes_needed": "(tally, seed=0)",
        "wilson_interval": "(tally, level=0.95)",
    },
}
"""What programs may rely on; an empty signature is not part of it."""
NAMES = [(package, name) for package, names in PUBLIC.items() for name in names]


def found(package: str, name: str) -> object:
    value: object = importlib.import_module(package)
    for part in name.split("."):
        value = getattr(value, part)
    return value


def signature(value: object) -> str:
    """Return names, kinds and defaults of parameters; types may become more exact."""
    parameters = []
    for parameter in inspect.signature(value).parameters.values():
        default = parameter.default
        if inspect.isfunction(default):
            parameter = parameter.replace(default=Named(default.__name__))
        parameters.append(parameter.replace(annotation=inspect.Parameter.empty))
    return str(inspect.Signature(parameters))


class Named(str):
    __repr__ = str.__str__


@pytest.mark.parametrize("package", PUBLIC)
def test_exactly_these_names_are_public(package):
    assert sorted({name.split(".")[0] for name in PUBLIC[package]}) == sorted(
        importlib.import_module(package).__all__
    )


@pytest.mark.parametrize(("package", "name"), [pair for pair in NAMES if PUBLIC[pair[0]][pair[1]]])
def test_the_parameters_of_a_public_name_are_these(package, name):
    assert signature(found(package, name)) == PUBLIC[package][name]


@pytest.mark.parametrize(("package", "name"), NAMES)
def test_a_public_name_says_what_it_is(package, name):
    text = inspect.getdoc(found(package, name)) or ""
    generated = re.match(r"\w+\(", text)
    assert len(text) > 30 and not generated


@pytest.mark.parametrize("name", [n for n, given in PUBLIC["align"].items() if given == OBJECTIVE])
def test_an_objective_names_its_shape_and_its_source(name):
    text = inspect.getdoc(getattr(align, name))
    assert text.startswith("Return loss_B of ")
    assert re.search(r"\b(20\d\d|in `rank_dpo`|The baseline|with p = 1-ε it is `cdpo`)", text)


@pytest.mark.parametrize("name", align.__all__)
def test_a_public_name_is_documented(name):
    assert re.search(rf"\b{name}\b", "".join(re.findall(r"`[^`]+`|```.*?```", PAGE, re.S)))


def test_type_checkers_and_python_find_a_name_in_the_same_module():
    checked = {
        alias.name: node.module
        for node in ast.walk(ast.parse((ROOT / "align/__init__.py").read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and node.module.startswith("align.")
        for alias in node.names
    }
    assert checked == {name: align.HOMES.get(name, align.LOSSES) for name in align.__all__}


def test_a_name_that_is_not_there_is_refused():
    with pytest.raises(AttributeError, match="has no attribute 'dop'"):
        align.dop  # noqa: B018
    assert {"dpo", "fine_tune"} <= set(dir(align))


@pytest.mark.parametrize(
    ("program", "absent"),
    [
        ("import align, align.contracts.run_files", "torch diffusers numpy PIL"),
        ("from align import dpo, PairErrors, read_snapshot", "diffusers transformers accelerate"),
        ("from align import RunFolder, describe_model, write_snapshot", "torch diffusers"),
        ("from annotate.statistics import outcome", "torch gradio duckdb pydantic"),
    ],
)
def test_a_name_brings_in_no_more_than_it_needs(program, absent):
    code = f"import sys; {program}; print(*sorted(set(sys.modules) & set({absent!r}.split())))"
    found = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (found.returncode, found.stdout.strip()) == (0, ""), found.stderr


@pytest.mark.parametrize("heading", EXAMPLES)
def test_an_example_is_short(heading):
    assert 6 <= len(EXAMPLES[heading].strip().splitlines()) <= 24


@pytest.fixture(scope="module")
def printed(tmp_path_factory) -> dict[str, str]:
    """Runs the examples in the page's order in one folder, each with names of its own."""
    folder = tmp_path_factory.mktemp("library")
    told = {heading: printed_by(text, folder) for heading, text in EXAMPLES.items()}
    assert len(list(folder.glob("after-*.png"))) == 4
    return told


def test_the_example_of_losses_learns(printed):
    assert int(re.search(r"(\d+)% of the pairs", printed["Losses"])[1]) >= 90


def test_the_example_of_snapshots_reads_what_it_wrote(printed):
    assert printed["Snapshots"].strip() == "16 pairs to learn from"


def test_the_example_of_training_ends_in_an_adapter(printed):
    first, *steps = printed["Train"].strip().splitlines()
    assert "adapter.safetensors" in first
    assert [int(line.split()[0]) for line in steps] == [1, 11, 21]
    assert float(steps[-1].split()[2]) > float(steps[0].split()[2]) == 0


def test_the_example_of_a_verdict_calls_it(printed):
    assert "wins 80% of 30 votes" in printed["The verdict"]
    assert "verdict: better" in printed["The verdict"]
