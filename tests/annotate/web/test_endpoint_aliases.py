"""Old names of endpoints answer as the new ones do, to those whom the new ones answer."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from annotate_sign_in import House, call, lived_in, pairs, result
from PIL import Image

from annotate.web.api import QUICK, SLOW, Endpoints
from annotate.web.endpoint_aliases import ALIASES, under_old_name
from annotate.web.permissions import ENDPOINTS, authorized, open_to, required_role
from storage.tables.people import Role

pytestmark = pytest.mark.slow

PROMPTS = [f"an evaluation prompt {number}" for number in range(6)]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Ada is an admin, Bob labels; there is a version v1."""
    with lived_in(tmp_path_factory.mktemp("aliases")) as house:
        house.let_in("Ada", Role.ADMIN)
        house.let_in("Bob", Role.LABELER)
        house.place.label(2)
        house.place.reach(house.place.studio.fine_tune({})["run_id"], "done")
        yield house


@pytest.fixture(scope="module")
def ada(house: House) -> httpx.Client:
    return house.signed_in("Ada")


@pytest.fixture(scope="module")
def bob(house: House) -> httpx.Client:
    return house.signed_in("Bob")


@pytest.fixture(scope="module")
def blind_test(ada: httpx.Client) -> str:
    started = result(ada, "start_trial", "base", "v1", PROMPTS, ["overall"], False, True)
    assert started["act"] is started["activate_winner"] is True
    assert started["trial"] == started["blind_test"]
    return str(started["trial"])


def test_every_endpoint_is_registered_once_and_no_alias_hides_one():
    assert sorted((*QUICK, *SLOW)) == sorted(ENDPOINTS)
    assert not set(ALIASES) & set(ENDPOINTS)


@pytest.mark.parametrize("name", ENDPOINTS)
def test_the_page_describes_answers_without_the_keys_of_their_documents(name):
    described = inspect.signature(authorized(getattr(Endpoints, name))).return_annotation
    assert described in (dict[str, Any], dict[str, str], list[dict[str, Any]])


@pytest.mark.parametrize("old", ALIASES)
def test_an_alias_has_the_permission_of_its_endpoint(old):
    new = ALIASES[old].endpoint
    assert required_role(old) is ENDPOINTS[new]
    assert open_to(Role.LABELER, old) is open_to(Role.LABELER, new)


@pytest.mark.parametrize("old", ALIASES)
def test_an_alias_takes_the_parameters_of_its_endpoint_in_the_same_order(old):
    alias = ALIASES[old]
    endpoint = getattr(Endpoints, alias.endpoint)
    new = [name for name in inspect.signature(endpoint).parameters if name not in alias.fixed]
    taken = inspect.signature(under_old_name(endpoint, old)).parameters
    assert [alias.parameters.get(name, name) for name in taken] == new


@pytest.mark.parametrize("old", [old for old in ALIASES if required_role(old) is Role.ADMIN])
def test_an_alias_of_an_endpoint_of_admins_answers_no_labeler(bob, old):
    assert call(bob, old)[0] >= 400


@pytest.mark.slow
def test_a_gold_pair_is_marked_under_the_old_name(ada):
    pair = pairs(ada)[0]["pair_id"]
    assert result(ada, "mark_known", pair, "left") == result(ada, "mark_gold", pair, "left")
    assert pair not in result(ada, "mark_known", pair, "")


def test_a_version_is_activated_by_force_under_the_old_name(ada):
    assert result(ada, "activate_anyway", "v1") == result(ada, "activate", "v1", True)
    assert [row["active"] for row in result(ada, "activate", "base")] == [True, False]


@pytest.mark.slow
def test_a_pair_is_flagged_listed_and_decided_on_under_the_old_names(ada, bob):
    pair = pairs(bob)[0]["pair_id"]
    flagged = result(bob, "report_pair", pair, "odd", "", uuid.uuid4().hex)
    assert flagged["accepted"] is True
    newest = result(ada, "reports")[0]
    assert (newest["pair_id"], newest["report"]) == (pair, newest["flag"])
    assert result(ada, "reports") == result(ada, "flags")
    decided = {"report": newest["report"], "decision": "shown"}
    reply = ada.post("gradio_api/call/v2/decide_report", json=decided)
    assert reply.status_code == 200, reply.text
    decided_again = result(ada, "decide_report", newest["report"], "hidden")
    assert decided_again[0]["decision"] == "hidden"


def test_a_vote_is_annotated_under_the_old_name(bob):
    pair, key = pairs(bob)[0]["pair_id"], uuid.uuid4().hex
    assert result(bob, "vote", pair, "left", "", key)["accepted"] is True
    said = result(bob, "remark", key, "reason", "hands", "on", "", uuid.uuid4().hex)
    assert said["accepted"] is True


@pytest.mark.slow
def test_a_blind_test_is_listed_asked_and_ended_under_the_old_names(ada, blind_test):
    assert result(ada, "trials")[0]["trial"] == blind_test
    assert "pair_id" in (pair := result(ada, "trial_pair", "", blind_test)) or pair["reason"]
    assert "error" in call(ada, "report_trial", "t9999")[1]
    assert result(ada, "end_trial", blind_test)["state"] == "ended"


@pytest.mark.slow
def test_a_folder_is_previewed_under_the_old_name(ada, tmp_path):
    Image.new("RGB", (64, 64)).save(tmp_path / "a cat.png")
    old, new = (result(ada, name, str(tmp_path)) for name in ("look_at_folder", "preview_import"))
    assert {**old, "seconds": 0} == {**new, "seconds": 0}
