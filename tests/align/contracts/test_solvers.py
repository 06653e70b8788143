"""Solvers under the names that people know."""

from __future__ import annotations

import pytest

from align.contracts.solvers import (
    BETAS,
    EDM,
    FLOW,
    SOLVERS,
    few_step_solver,
    find_solver,
    name_of_class,
    solver_names,
    solver_problem,
)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("DPM++ 2M Karras", "DPM++ 2M Karras"),
        ("dpm++ 2m karras", "DPM++ 2M Karras"),
        ("dpmpp_2m karras", "DPM++ 2M Karras"),
        ("dpmpp_2m_sde", "DPM++ 2M SDE"),
        ("euler_ancestral", "Euler a"),
        (" Euler  A ", "Euler a"),
        ("uni_pc_bh2", "UniPC"),
        ("ddim", "DDIM"),
        ("lcm", "LCM"),
        ("quantum leap", None),
    ],
)
def test_a_solver_is_found_by_the_names_of_the_common_programs(written, name):
    found = find_solver(written)
    assert (found and found.name) == name


def test_names_tell_solvers_apart_and_find_themselves():
    names = [solver.name for solver in SOLVERS]
    assert len({name.lower() for name in names}) == len(names)
    assert all(find_solver(name) is solver for name, solver in zip(names, SOLVERS, strict=True))


def test_every_kind_of_schedule_has_solvers():
    assert set(solver_names(EDM)) < set(solver_names(BETAS)) == {s.name for s in SOLVERS}
    assert {"Euler", "UniPC", "DPM++ 2M"} < set(solver_names(FLOW))


def test_what_cannot_be_rendered_is_said_before_it_is_asked_of_the_model():
    assert solver_problem("Euler a") is None
    assert solver_problem("EulerDiscreteScheduler", FLOW) is None
    assert solver_problem("", EDM) is None
    assert "no sampler 'Oiler'. Choose the model's own, or one of: Euler," in str(
        solver_problem("Oiler")
    )
    assert "DDIM cannot render this model" in str(solver_problem("DDIM", FLOW))


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("dreamshaperXL_lightningDPMSDE", "Euler SGM Uniform"),
        ("RealVisXL_V4.0_HyperSD", "Euler SGM Uniform"),
        ("sd_xl_turbo_1.0", "Euler a SGM Uniform"),
        ("my_dmd2_merge", "LCM"),
        ("ssd LCM", "LCM"),
        ("mine 4-step", "Euler a SGM Uniform"),
    ],
)
def test_a_few_step_model_gets_the_solver_it_was_distilled_for(told, name):
    assert few_step_solver(told) == name
    assert solver_problem(name) is None


def test_the_model_s_own_class_is_shown_by_the_name_that_people_know():
    assert name_of_class("EulerAncestralDiscreteScheduler") == "Euler a"
    assert name_of_class("EDMEulerScheduler") == "Euler"
    assert name_of_class("SASolverScheduler") == "SASolver"
