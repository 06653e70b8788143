"""What a checkpoint predicts is read as other programs read it, from keys, metadata or its name."""

from __future__ import annotations

import pytest

from align.client.single_file.prediction import (
    EPSILON,
    VELOCITY,
    Prediction,
    chosen_prediction,
    told_prediction,
    with_prediction,
)
from align.errors import WrongModel

NOTHING: dict[str, str] = {}
EULER = {"_class_name": "EulerDiscreteScheduler", "prediction_type": "epsilon"}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        (["v_pred"], Prediction(VELOCITY)),
        (["v_pred", "ztsnr"], Prediction(VELOCITY, zero_terminal_snr=True)),
        (["edm_mean", "edm_std"], Prediction(EPSILON, edm=True)),
        (["edm_vpred.sigma_max"], Prediction(VELOCITY, edm=True)),
        (["edm_mean"], Prediction(EPSILON, sure=False)),
        (["ztsnr"], Prediction(EPSILON, sure=False)),
    ],
)
def test_empty_tensors_tell_as_they_do_in_other_programs(keys, told):
    # The name says the opposite, and does not count.
    name = "noise_eps" if told.kind == VELOCITY else "a"
    assert told_prediction(keys, NOTHING, name) == told


@pytest.mark.parametrize(
    ("metadata", "kind"),
    [
        ({"modelspec.prediction_type": "v"}, VELOCITY),
        ({"modelspec.prediction_type": "V-Prediction"}, VELOCITY),
        ({"modelspec.predict_key": "v"}, VELOCITY),
        ({"ss_v_parameterization": "True"}, VELOCITY),
        ({"modelspec.prediction_type": "epsilon"}, EPSILON),
    ],
)
def test_metadata_tells_where_no_key_does(metadata, kind):
    assert told_prediction([], metadata, "a") == Prediction(kind, kind == VELOCITY)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("noobaiXLNAIXL_vPred10Version", VELOCITY),
        ("NoobAI-XL-Vpred-v1.0", VELOCITY),
        ("mymix_v-pred", VELOCITY),
        ("cats_ztsnr", VELOCITY),
        ("noobaiXLNAIXL_epsilonPred11Version", EPSILON),
        ("NoobAI-XL-eps-v1.1", EPSILON),
        ("juggernautXL_v9", None),
        ("stepsXL", None),
        ("reducedPredator", None),
    ],
)
def test_a_name_tells_where_nothing_else_does(name, kind):
    told = told_prediction([], NOTHING, name)
    assert (told.kind, told.sure) == (kind or EPSILON, kind is not None)


def test_a_name_that_contradicts_the_metadata_leaves_it_open():
    told = told_prediction([], {"modelspec.prediction_type": "epsilon"}, "mymix_vpred")
    assert told == Prediction(EPSILON, sure=False)


def test_words_of_a_person_are_understood_or_refused():
    assert chosen_prediction("v-prediction") == Prediction(VELOCITY, zero_terminal_snr=True)
    assert chosen_prediction("EPS") == Prediction(EPSILON)
    with pytest.raises(WrongModel, match=r"'flow' is no prediction\. Name epsilon"):
        chosen_prediction("flow")


def test_a_schedule_that_ends_in_noise_is_sampled_from_its_end():
    changed = with_prediction(EULER | {"timestep_spacing": "leading"}, VELOCITY, zero_snr=True)
    assert changed["rescale_betas_zero_snr"] and changed["timestep_spacing"] == "trailing"
    back = with_prediction(changed, EPSILON, zero_snr=False)
    assert (back["prediction_type"], back["rescale_betas_zero_snr"]) == (EPSILON, False)


def test_a_schedule_for_what_is_predicted_already_stays_as_it_is():
    leading = EULER | {"timestep_spacing": "leading", "rescale_betas_zero_snr": True}
    assert with_prediction(leading, EPSILON, zero_snr=True) == leading
