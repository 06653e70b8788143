"""With sign-in on, what nobody allowed does not happen: each attempt is one test."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator

import httpx
import pytest
from annotate_sign_in import House, call, cast, lived_in, pairs, result, serve, stage_of
from places import until

from annotate.service.labeler_view import LabelerView
from annotate.web.api import Endpoints
from annotate.web.endpoint_aliases import ALIASES, current_name
from annotate.web.page import build_labeling_page
from annotate.web.permissions import ENDPOINTS, SERVER_FUNCTIONS
from storage.tables.people import Role

pytestmark = pytest.mark.slow

ADMIN_CALLS = {
    "retry_model": [],
    "fine_tune": [{}],
    "run_status": ["r0001"],
    "cancel_run": ["r0001"],
    "resume_run": ["r0001"],
    "runs": [],
    "run_detail": ["r0001"],
    "delete_run": ["r0001"],
    "versions": [],
    "activate": ["base"],
    "blind_test_pair": ["", "t1"],
    "start_blind_test": ["base", "v1", None, None, False, False],
    "blind_tests": [],
    "end_blind_test": ["t1"],
    "rename_version": ["v1", "mine"],
    "note_version": ["v1", "mine"],
    "delete_version": ["v1"],
    "export_version": ["v1", "diffusers"],
    "compare": ["a cat", 1, "base", "v1"],
    "compare_many": [["a cat"], [1], "base", "v1"],
    "add_prompts": ["mine"],
    "prompts": [],
    "change_prompts": [[1], True, None],
    "edit_prompt": [1, "a dog"],
    "choose_prompt_list": ["tags"],
    "let_labelers_add_prompts": [True],
    "plan_run": [{}],
    "run_settings": [],
    "change_run_settings": [{}],
    "automatic_runs": [],
    "change_automatic_runs": [50, "", "never"],
    "answer_automatic_run": ["now"],
    "preview_import": ["/etc"],
    "import_images": ["/etc"],
    "save_blind_test_report": ["t1"],
    "insights": ["Cem"],
    "exclude_votes": ["Cem", "a reason"],
    "lift_exclusion": [1],
    "mark_gold": ["0" * 16, "left"],
    "flags": [],
    "decide_flag": [1, "shown"],
    "change_project": [["mine"], [], 3],
    "models": [],
    "look_up_model": ["emoji"],
    "open_model": ["emoji-fast"],
    "readings": [],
    "render_readings": ["a cat", 1],
    "choose_reading": ["epsilon"],
    "look": [],
    "change_look": [{"steps": 2}],
    "prepare_pairs": [9],
    "estimate_prepare": [9],
    "prepare": [],
    "stop_prepare": [],
    "vote_sources": [],
    "lora_folder": [],
    "change_lora_folder": ["/etc"],
    "send_version": ["v1", 1.0],
    "preview_source": ["/etc", "", None],
    "import_source": ["/etc", "mine", "", None, False],
    "sources": [],
    "change_source": ["mine", None, 0.5, None],
    "remove_source": ["mine"],
    "export_votes": ["pickapic", "/tmp/votes", "", True],
    "data_job": [],
    "stop_data_job": [],
    "backup": ["/tmp/backups"],
    "merge_preview": ["/etc"],
    "merge": ["/etc"],
    "restore_votes": ["/etc"],
}


def names_of(role: Role) -> set[str]:
    """The names, of today and of before, of the endpoints that ask for a role."""
    names = (*ENDPOINTS, *ALIASES)
    return {name for name in names if ENDPOINTS[current_name(name)] is role}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Ada is an admin, Bob and Cem label; v1 is active beside the base."""
    with lived_in(tmp_path_factory.mktemp("house")) as house:
        house.let_in("Ada", Role.ADMIN)
        for name in ("Bob", "Cem"):
            house.let_in(name, Role.LABELER)
        place = house.place
        place.label(2)
        run = place.studio.fine_tune({})["run_id"]
        place.reach(run, "done")
        place.studio.activate("v1", force=True)
        yield house


@pytest.fixture(scope="module")
def ada(house: House) -> httpx.Client:
    return house.signed_in("Ada")


@pytest.fixture(scope="module")
def bob(house: House) -> httpx.Client:
    return house.signed_in("Bob")


@pytest.fixture(scope="module")
def cem(house: House) -> httpx.Client:
    return house.signed_in("Cem")


@pytest.fixture
def nobody(house: House) -> httpx.Client:
    return house.stranger()


def test_the_table_names_every_endpoint_and_no_other():
    assert set(ENDPOINTS) == {name for name in dir(Endpoints) if not name.startswith("_")}
    assert set(ADMIN_CALLS) == {name for name, role in ENDPOINTS.items() if role is Role.ADMIN}


@pytest.mark.slow
def test_the_page_of_labelers_holds_what_the_table_gives_them_and_nothing_else(house):
    blind = LabelerView(house.place.studio, house.authenticator.accounts.people)
    page = build_labeling_page(blind)
    events = {event.api_name for event in page.fns.values()}
    assert events == names_of(Role.LABELER)
    functions = {
        name
        for block in page.blocks.values()
        for name in dir(block)
        if getattr(getattr(block, name, None), "_is_server_fn", False)
    }
    assert functions == {name for name, role in SERVER_FUNCTIONS.items() if role is Role.LABELER}


# Strangers


@pytest.mark.parametrize(
    "path",
    [
        "config",
        "gradio_api/info",
        "gradio_api/queue/data?session_hash=abc",
        "gradio_api/heartbeat/abc",
        "gradio_api/file=/etc/hosts",
        "gradio_api/startup-events/../../config",
        "img/0123456789abcdef.png",
        "sheet/r0001.png",
        "sample/r0001-000-0.png",
        "export/v1.safetensors",
        "assets/index.js",
        "monitoring",
        "theme.css",
        "openapi.json",
        "docs",
        "me",
    ],
)
def test_a_stranger_reads_nothing(nobody, path):
    assert nobody.get(path).status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/run/vote",
        "gradio_api/call/stats",
        "gradio_api/queue/join",
        "gradio_api/component_server",
        "gradio_api/upload",
        "gradio_api/cancel",
        "login",
    ],
)
def test_a_stranger_sends_nothing(nobody, path):
    assert nobody.post(path, json={"data": []}).status_code == 401


def test_a_stranger_is_led_to_signing_in(nobody):
    reply = nobody.get("")
    assert (reply.status_code, reply.headers["location"]) == (303, "sign-in")


def test_a_forged_cookie_is_nobody(house):
    for token in ("x" * 43, "", "../../etc/passwd", "a" * 5000, "Bob", "' OR 1=1 --"):
        client = house.stranger(headers={"Cookie": f"palate_session={token}"})
        assert client.get("config").status_code == 401


def test_a_cookie_is_worth_nothing_after_signing_out(house):
    client = house.signed_in("Cem")
    stolen = client.cookies["palate_session"]
    assert client.get("me").json()["name"] == "Cem"
    assert client.post("sign-out").headers["location"] == "sign-in"
    replayed = house.stranger(headers={"Cookie": f"palate_session={stolen}"})
    assert replayed.get("me").status_code == 401
    assert replayed.get("config").status_code == 401


def test_a_cookie_is_worth_nothing_after_its_person_was_disabled_or_given_a_new_link(house):
    accounts = house.authenticator.accounts
    house.let_in("Dan", Role.LABELER)
    client = house.signed_in("Dan")
    accounts.set_enabled("Dan", False, "Ada")
    assert client.get("me").status_code == 401
    accounts.set_enabled("Dan", True, "Ada")
    assert client.get("me").status_code == 401
    client = house.signed_in("Dan")
    accounts.new_link("Dan", "Ada")
    assert client.get("me").status_code == 401


def test_a_name_in_a_proxy_header_means_nothing_where_palate_keeps_accounts(house):
    for header in ("X-Forwarded-User", "X-Remote-User", "Remote-User"):
        assert house.stranger(headers={header: "Ada"}).get("config").status_code == 401


# Labelers: what is for admins


@pytest.mark.parametrize("name", ADMIN_CALLS)
@pytest.mark.parametrize("way", ["call", "run", "api"])
def test_a_labeler_calls_no_endpoint_of_admins(house, bob, name, way):
    before = house.place.studio.versions(), house.place.run_ids()
    reply = bob.post(f"gradio_api/{way}/{name}", json={"data": ADMIN_CALLS[name]})
    assert reply.status_code >= 400
    assert (house.place.studio.versions(), house.place.run_ids()) == before


def test_a_labeler_queues_no_event_of_the_page_of_admins(ada, bob):
    events = [event["id"] for event in ada.get("config").json()["dependencies"]]
    own = {event["id"] for event in bob.get("config").json()["dependencies"]}
    assert len(events) > 20
    for event in events:
        if event not in own:
            sent = {"data": [], "fn_index": event, "session_hash": "bobs1", "trigger_id": None}
            assert bob.post("gradio_api/queue/join", json=sent).status_code >= 400


def test_a_labeler_calls_no_server_function_of_the_page_of_admins(ada, bob):
    for component in (stage_of(ada), *range(0, 40, 5)):
        if component == stage_of(bob):
            continue
        for function in ("stage_status", "look", "__init__"):
            sent = {
                "component_id": component,
                "fn_name": function,
                "session_hash": "bobs2",
                "data": {"annotator": ""},
            }
            reply = bob.post("gradio_api/component_server", json=sent)
            assert reply.status_code >= 400


@pytest.mark.parametrize(
    "path",
    [
        "sheet/r0001.png",
        "sample/r0001-000-0.png",
        "export/v1.safetensors",
        "export/..%2f..%2fpalate.duckdb",
        "gradio_api/file=/etc/hosts",
        "gradio_api/file=palate.duckdb",
        "gradio_api/file/etc/hosts",
        "gradio_api/proxy=http://127.0.0.1:1/",
        "gradio_api/queue/status",
        "gradio_api/upload_progress?upload_id=1",
        "gradio_api/openapi.json",
        "gradio_api/token",
        "gradio_api/dev/reload",
        "gradio_api/vibe-code",
        "monitoring",
        "monitoring/summary",
        "gradio_api/deep_link",
        "gradio_api/runs",
        "people",
        "docs",
        "redoc",
    ],
)
def test_a_labeler_reads_nothing_of_admins(bob, path):
    assert bob.get(path).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "gradio_api/upload",
        "gradio_api/reset",
        "gradio_api/cancel",
        "gradio_api/process_recording",
        "gradio_api/vibe-edit",
        "gradio_api/call/v2/vote",
        "gradio_api/stream/1",
        "login",
        "config",
        "img/0123456789abcdef.png",
    ],
)
def test_a_labeler_sends_nothing_elsewhere(bob, path):
    assert bob.post(path, json={"session_hash": "x"}).status_code == 403


def test_a_labelers_configuration_and_description_hold_their_own_page_alone(ada, bob):
    mine, all_of_it = bob.get("config").json(), ada.get("config").json()
    assert {event["api_name"] for event in mine["dependencies"]} == names_of(Role.LABELER)
    assert len(mine["components"]) < len(all_of_it["components"]) / 4
    named = bob.get("gradio_api/info").json()["named_endpoints"]
    own = {f"/{name}" for name in names_of(Role.LABELER)}
    assert set(named) == own
    assert "/fine_tune" in ada.get("gradio_api/info").json()["named_endpoints"]


# Labelers: each other


def test_a_labeler_votes_in_no_other_name(house, bob):
    pair = pairs(bob)[0]
    for name in ("Cem", "Ada", "me", "guest", "bo\u0431"):
        refused = cast(bob, pair["pair_id"], name)
        assert refused["ok"] is False and "signed in as Bob" in refused["error"]
        _, text = call(bob, "vote", pair["pair_id"], "left", name, uuid.uuid4().hex)
        assert "event: error" in text and "signed in as Bob" in text
    assert house.place.store.people.votes().get("Cem") is None
    assert cast(bob, pair["pair_id"], "bob ")["ok"] is True


def test_a_labeler_takes_no_vote_of_another_back(house, bob, cem):
    assert cast(cem, pairs(cem)[0]["pair_id"])["ok"] is True
    before = house.place.store.people.votes()["Cem"]
    undo = {"kind": "undo", "key": uuid.uuid4().hex, "annotator": "Cem"}
    assert serve(bob, "stage_send", undo).json()["ok"] is False
    assert "event: error" in call(bob, "undo", "Cem")[1]
    assert house.place.store.people.votes()["Cem"] == before
    taken = serve(cem, "stage_send", {**undo, "annotator": ""}).json()
    assert taken["ok"] is True and taken["pair"]["left_url"]
    assert house.place.store.people.votes().get("Cem", 0) == before - 1


def test_a_labeler_says_nothing_about_a_vote_of_another(house, bob, cem):
    key = uuid.uuid4().hex
    assert cast(cem, pairs(cem)[0]["pair_id"], key=key)["ok"] is True
    remark = {
        "kind": "remark",
        "key": uuid.uuid4().hex,
        "of": key,
        "annotator": "",
        "remark": "reason",
        "name": "hands",
        "value": "on",
    }
    for named in ("", "Cem"):
        assert serve(bob, "stage_send", {**remark, "annotator": named}).json()["ok"] is False
    count = "SELECT count(*) FROM vote_annotations"
    assert house.place.store._database.read(count) == [(0,)]
    assert serve(cem, "stage_send", remark).json()["ok"] is True
    assert house.place.store._database.read(count) == [(1,)]


def test_a_labeler_begins_and_ends_no_sitting_of_another(house, bob, cem):
    began = serve(cem, "stage_session", {"annotator": "", "action": "begin", "goal": 20}).json()
    assert began["ok"] is True and began["session"]["goal"] == 20
    for action in ("paused", "ended", "summary", "begin"):
        wish = {"annotator": "Cem", "action": action, "goal": 1}
        assert serve(bob, "stage_session", wish).json()["ok"] is False
    assert house.place.studio.sessions.current("Cem") == {"goal": 20, "given": 0, "state": "open"}


def test_a_labeler_gets_no_pairs_in_another_name(bob):
    wish = {"annotator": "Cem", "have": [], "want": 3}
    refused = serve(bob, "stage_pairs", wish).json()
    assert refused["ok"] is False and "pairs" not in refused
    assert "event: error" in call(bob, "next_pair", "Cem")[1]
    assert serve(bob, "stage_status", {"annotator": "Cem"}).json()["ok"] is False


def test_an_admin_votes_in_no_other_name_either(house, ada):
    pair = pairs(ada)[0]
    assert cast(ada, pair["pair_id"], "Bob")["ok"] is False
    assert "event: error" in call(ada, "vote", pair["pair_id"], "left", "Bob", "k")[1]
    assert result(ada, "vote", pair["pair_id"], "left", "", "adas-key")["accepted"] is True
    assert house.place.store.people.votes()["Ada"] == 1


def test_a_forged_pair_is_refused(bob):
    refused = cast(bob, "0" * 16)
    assert refused["ok"] is False and refused["retry"] is False


def test_an_image_by_guess_is_not_there_nor_one_that_another_was_handed(house, bob, cem):
    bobs, cems = pairs(bob)[0], pairs(cem)[0]
    for url in (bobs["left_url"], bobs["right_url"]):
        assert bob.get(url).status_code == 200
        assert cem.get(url).status_code == 404
    assert bob.get(cems["left_url"]).status_code == 404
    assert bob.get("img/0123456789abcdef.png").status_code == 404
    for path in ("img/..%2fpalate.duckdb", "img/%2e%2e/palate.duckdb", "img/" + "a" * 16):
        assert bob.get(path).status_code in (403, 404)


def test_an_image_that_was_voted_on_stays_to_be_seen_after_a_restart(house, bob):
    pair = pairs(bob)[0]
    assert cast(bob, pair["pair_id"])["ok"] is True
    fresh = LabelerView(house.place.studio, house.authenticator.accounts.people)
    image_id = pair["left_url"][4:20]
    assert fresh.image("Bob", image_id) is not None
    assert fresh.image("Cem", image_id) is None


def test_a_session_of_another_page_is_not_to_be_joined_or_listened_to(bob, cem):
    session = uuid.uuid4().hex[:11]
    wish = {"annotator": "", "have": [], "want": 0}
    assert serve(cem, "stage_pairs", wish, session).status_code == 200
    assert serve(bob, "stage_pairs", wish, session).status_code == 404
    listening = {"session_hash": session}
    assert bob.get("gradio_api/queue/data", params=listening).status_code == 404
    assert bob.get(f"gradio_api/heartbeat/{session}").status_code == 404
    joined = {"data": [], "fn_index": 0, "session_hash": session}
    assert bob.post("gradio_api/queue/join", json=joined).status_code == 404


def test_a_session_that_nobody_began_has_nothing_to_listen_to(bob):
    for params in ({"session_hash": "never-begun"}, {}):
        assert bob.get("gradio_api/queue/data", params=params).status_code == 404


def test_a_blind_test_is_not_opened_by_its_name(bob):
    wish = {"annotator": "", "have": [], "want": 1, "trial": "0" * 16}
    assert serve(bob, "stage_pairs", wish).json()["ok"] is False
    assert serve(bob, "stage_status", wish).json()["ok"] is False


# Whoever it is


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example", "X-Forwarded-Proto": "https"},
    ],
)
@pytest.mark.parametrize("path", ["gradio_api/call/stats", "sign-out", "sign-in"])
def test_what_another_site_sends_is_refused(house, bob, headers, path):
    assert bob.post(path, json={"data": []}, headers=headers).status_code == 403
    assert bob.get("me").json()["name"] == "Bob"


def test_a_body_without_end_is_refused(bob):
    large = json.dumps({"data": ["x" * 300_000], "session_hash": "bobs3"})
    json_only = {"Content-Type": "application/json"}
    for path in ("gradio_api/component_server", "gradio_api/queue/join", "gradio_api/run/vote"):
        assert bob.post(path, content=large, headers=json_only).status_code == 413
    assert bob.post("sign-in", data={"name": "x" * 20_000, "password": "y"}).status_code == 401


def test_a_labeler_uploads_nothing_in_place_of_json(bob):
    files = {"file": ("x.bin", b"x" * 100)}
    assert bob.post("gradio_api/component_server", files=files).status_code == 415


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'{"session_hash": {}}', b"[" * 20_000]
)
def test_a_body_that_is_no_call_breaks_nothing(bob, body):
    headers = {"Content-Type": "application/json"}
    for path in ("component_server", "queue/join", "run/vote"):
        reply = bob.post(f"gradio_api/{path}", content=body, headers=headers)
        assert 400 <= reply.status_code
        assert "Traceback" not in reply.text and "site-packages" not in reply.text


def test_script_in_names_and_prompts_is_shown_and_not_run(house, ada, bob):
    name = '"><img src=x onerror=alert(1)><script>alert(2)</script>'
    token = house.authenticator.accounts.add(name, Role.LABELER, "Ada")
    welcome = house.stranger().get("welcome", params={"token": token}).text
    failed = house.stranger().post("sign-in", data={"name": name, "password": "x"}).text
    from annotate.web.html.people_cards import link_card, people_table  # noqa: PLC0415

    people = house.authenticator.accounts.people
    shown = people_table(people.all(), people.votes(), True) + link_card(name, "http://x/")
    for html in (welcome, failed, shown):
        assert "<img" not in html and "<script" not in html
        assert "&lt;script&gt;alert(2)" in html
    house.authenticator.accounts.set_enabled(name, False, "Ada")


def test_a_link_of_somebody_disabled_or_used_lets_nobody_in(house, nobody):
    token = house.authenticator.accounts.add("Eve", Role.ADMIN, "Ada")
    house.authenticator.accounts.set_enabled("Eve", False, "Ada")
    assert nobody.get("welcome", params={"token": token}).status_code == 404
    sent = {"token": token, "password": "long enough password"}
    assert nobody.post("welcome", data=sent).status_code == 404
    assert nobody.post("welcome", data={**sent, "token": ""}).status_code == 404
    assert nobody.get("me").status_code == 401


def test_a_strangers_websocket_is_closed(house, nobody):
    upgrade = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "x" * 22 + "==",
        "Sec-WebSocket-Version": "13",
    }
    assert nobody.get("gradio_api/queue/join", headers=upgrade).status_code in (400, 401, 403)


def test_the_session_cookie_is_kept_from_scripts_and_sent_by_https_alone_where_there_is_https(
    house,
):
    sent = {"name": "Bob", "password": "correct horse battery"}
    for proto, flag in (("http", False), ("https", True)):
        reply = house.stranger().post("sign-in", data=sent, headers={"X-Forwarded-Proto": proto})
        cookie = reply.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=lax" in cookie and "path=/" in cookie
        assert ("secure" in cookie) is flag


def test_guessing_is_slowed_down_and_tells_no_name_from_another(house):
    answers = []
    for name in ("Nobody-by-this-name", "Cem"):
        client = house.stranger()
        wrong = [client.post("sign-in", data={"name": name, "password": str(i)}) for i in range(6)]
        assert [reply.status_code for reply in wrong] == [401] * 5 + [429]
        answers.append([reply.text.replace(name, "") for reply in wrong])
        right = client.post("sign-in", data={"name": name, "password": "correct horse battery"})
        assert right.status_code == 429 and "Wait 5 minutes" in right.text
    assert answers[0] == answers[1]


def test_an_admin_asks_about_others_and_what_an_admin_does_bears_their_name(house, ada, bob):
    assert cast(bob, pairs(bob)[0]["pair_id"])["ok"] is True
    assert result(ada, "insights", "Bob")
    excluded = result(ada, "exclude_votes", "Bob", "only a test")
    assert (excluded[0]["person"], excluded[0]["who"]) == ("Bob", "Ada")
    assert result(ada, "change_project", ["hands"], [], 2)["reasons"] == ["hands"]
    # The studio itself notes there what models are called, and whether they fit beside a run.
    who = (
        "SELECT DISTINCT who FROM project_settings "
        "WHERE name NOT LIKE 'model_name:%' AND name NOT LIKE 'fits_beside_runs:%'"
    )
    assert house.place.store._database.read(who) == [("Ada",)]


def test_an_admin_tries_again_to_load_the_model_from_the_page_and_a_labeler_does_not(
    house: House,
) -> None:
    reply = serve(house.signed_in("Ada"), "stage_retry_model", {}).json()
    assert reply["ok"] and reply["sampler"]["state"] == "ready"
    refused = serve(house.signed_in("Bob"), "stage_retry_model", {})
    assert refused.status_code != 200 or refused.json()["ok"] is False


@pytest.mark.slow
def test_an_admin_does_everything_as_ever(house, ada):
    assert [one["version"] for one in result(ada, "versions")] == ["base", "v1"]
    pair = until(lambda: result(ada, "next_pair", "").get("left_url"))
    assert ada.get(pair).status_code == 200
