"""Nothing that a labeler is sent tells what drew an image: every byte of it is searched."""

from __future__ import annotations

import io
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from annotate_doubles import Trouble
from annotate_sign_in import PASSWORD, House, call, cast, lived_in, pairs, serve
from PIL import Image, PngImagePlugin
from places import ENDLESS, until

from annotate.errors import InvalidRequest
from annotate.service.labeler_errors import DISK_FULL, hidden_details
from annotate.service.labeler_view import RENDERING_FAILED
from annotate.web.image_response import image_response, without_metadata
from storage.errors import BrokenStudio, DiskFull
from storage.tables.people import Role

NAMES = re.compile(
    rb"secretmodel|\br[0-9]{4,}\b|\bv[1-9][0-9]*\b|"
    rb'"version"|"run_id"|"adapter"|"before":|"after":|[:\[] ?"base"|before_url|'
    rb"palate\.duckdb|site-packages|\.safetensors|Traceback|EulerDiscrete"
)
SIGNATURE = b"\x89PNG\r\n\x1a\n"
IMAGE = re.compile(r"img/[0-9a-f]{16}\.png")
GRADIOS = re.compile(rb'"version": ?"[0-9.]+"|"theme": ?"base"|call/v2|/v2/')
"""What looks like a name of ours and is Gradio's: its own version, theme and addresses."""
PLACE_IN_LIST = re.compile(rb'"before": ?[0-9]+')
"""Where a list of one's own votes goes on; in a blind test it would name a version."""
OWN = ("application/javascript", "text/javascript", "text/css", "font/")


class Ears:
    """Everything that was sent to a browser, by address."""

    def __init__(self, client: httpx.Client) -> None:
        self.heard: list[tuple[str, bytes]] = []
        client.event_hooks["response"].append(self._hear)

    def _hear(self, reply: httpx.Response) -> None:
        reply.read()
        headers = b"\n".join(name + b": " + value for name, value in reply.headers.raw)
        self.heard.append((str(reply.request.url), headers + b"\n\n" + words_of(reply.content)))


def words_of(content: bytes) -> bytes:
    """Everything but the compressed pixels of a PNG, in which any two letters turn up by chance."""
    if not content.startswith(SIGNATURE):
        return content
    kept, place = SIGNATURE, len(SIGNATURE)
    while place < len(content):
        length = int.from_bytes(content[place : place + 4])
        kind, end = content[place + 4 : place + 8], place + 12 + length
        kept += kind if kind == b"IDAT" else content[place:end]
        place = end
    return kept


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with lived_in(tmp_path_factory.mktemp("blind")) as house:
        house.let_in("Bob", Role.LABELER)
        house.let_in("Ada", Role.ADMIN)
        yield house


@pytest.fixture
def bob(house: House) -> httpx.Client:
    return house.signed_in("Bob")


def label(client: httpx.Client, rounds: int) -> None:
    """What a labeler does all day, by the page and by the API."""
    for number in range(rounds):
        pair = pairs(client, want=6)[0]
        for side in ("left_url", "right_url"):
            assert client.get(pair[side]).status_code == 200
        assert cast(client, pair["pair_id"], verdict=("left", "tie", "skip")[number % 3])["ok"]
        serve(client, "stage_status", {"annotator": "", "trial": ""})
    serve(client, "stage_send", {"kind": "undo", "key": f"undo-{rounds}", "annotator": ""})
    four = pairs(client, four=True)[0]
    assert [client.get(url).status_code for url in four["urls"]] == [200] * 4
    ranking = {"kind": "ranking", "pair_id": four["pair_id"], "best": 1, "worst": 2}
    sent = {**ranking, "annotator": "", "key": four["pair_id"]}
    assert serve(client, "stage_send", sent).json()["ok"]
    for action in ("begin", "summary", "ended"):
        serve(client, "stage_session", {"annotator": "", "action": action, "goal": 5})
    look_back(client)
    own = serve(client, "stage_own_votes", {"annotator": ""}).json()["html"]
    assert "What you like" in own
    assert all(client.get(url).status_code == 200 for url in IMAGE.findall(own))
    for name in ("next_pair", "next_quad", "own_votes", "undo", "stats", "project"):
        call(client, name, *([] if name in ("stats", "project") else [""]))


def look_back(client: httpx.Client) -> None:
    """What a labeler does with votes of before, and with prompts."""
    asked = {"annotator": "", "before": 0, "verdict": "", "prompt": ""}
    vote = serve(client, "own_votes_page", asked).json()["votes"][0]
    assert client.get(f"{vote['left_url']}?side=512").status_code == 200
    change = {"annotator": "", "vote_key": vote["vote_key"], "key": f"c-{vote['vote_key']}"}
    assert serve(client, "own_vote_change", {**change, "verdict": "both_good"}).json()["ok"]
    for wrong in ({**change, "verdict": "best"}, {**change, "verdict": "", "vote_key": "nope"}):
        assert not serve(client, "own_vote_change", wrong).json()["ok"]
    for asking in ("more", "queue", "arrived", "nonsense"):
        wish = {"action": asking, "pair_id": vote["pair_id"], "prompt": "__nothing__ {a|b}"}
        serve(client, "stage_prompts", {"annotator": "", **wish})
    call(client, "more_of_prompt", vote["pair_id"], "")
    call(client, "queue_prompt", "a yak", "")
    call(client, "own_votes_list", "", 0, "", "")
    call(client, "change_vote", "nope", "left", "", "k")


def read_everything(client: httpx.Client) -> None:
    """The page, what it loads, what describes it, and what it answers to mistakes."""
    page = client.get("").text
    client.get("config")
    client.get("gradio_api/info")
    client.get("theme.css")
    for address in sorted(set(re.findall(r'(?:src|href)="\./([^"]+)"', page)))[:8]:
        client.get(address)
    client.get("sample/r0001-000-0.png")
    for path in ("img/0000000000000000.png", "sheet/r0001.png", "export/v1.safetensors", "nothing"):
        client.get(path)
    for pair in ("0" * 16, "", "../../etc"):
        cast(client, pair)
    for name in ("stage_pairs", "stage_send", "stage_status", "stage_session"):
        for wrong in (None, [], {}, {"annotator": 3}, {"annotator": "Ada"}, {"trial": "x"}):
            serve(client, name, wrong)
    call(client, "vote", "nope", "best", "", "k")
    call(client, "rank", "nope", 1, 2, "", "k")
    call(client, "annotate_vote", "nope", "reason", "hands", "on", "", "k")
    call(client, "flag_pair", "nope", "a note", "", "k")
    call(client, "fine_tune", {})
    client.post("gradio_api/run/versions", json={"data": []})


@pytest.mark.slow
def test_no_byte_sent_to_a_labeler_names_a_model_a_version_a_run_or_a_path(house, bob):
    place, ears = house.place, Ears(bob)
    place.label(2)
    label(bob, 2)
    run = place.studio.fine_tune({})["run_id"]
    place.reach(run, "done")
    place.studio.activate("v1", force=True)
    fresh = ["a house", "a boat", "a tree", "a hat"]
    trial = place.studio.blind_tests.begin("base", "v1", fresh, mixed=True)
    label(bob, 6)
    going = place.studio.fine_tune(ENDLESS)["run_id"]
    place.reach(going, "running")
    label(bob, 2)
    read_everything(bob)
    place.studio.cancel_run(going)
    place.reach(going, "cancelled")
    place.sampler.trouble = f"secretmodel could not read {place.store.images_dir}"
    place.studio.pairs_ahead("zoe", [], 48)
    until(lambda: place.studio.activity()["pool"]["problem"])
    activity = serve(bob, "stage_status", {"annotator": ""}).json()["activity"]
    assert activity["message"] == RENDERING_FAILED
    serve(bob, "stage_pairs", {"annotator": "", "have": [], "want": 12})
    serve(bob, "stage_pairs", {"annotator": "", "have": [], "want": 12, "trial": trial["trial"]})
    place.sampler.trouble = None

    home = str(place.store.images_dir.parent)
    paths = [home, str(Path(home).parent), str(Path.cwd()), sys.prefix, str(Path.home())]
    told = [
        (url, found)
        for url, body in ears.heard
        if not any(kind.encode() in body.split(b"\n\n", 1)[0] for kind in OWN)
        for found in [
            *NAMES.findall(PLACE_IN_LIST.sub(b"", GRADIOS.sub(b"", body))),
            *(path for path in paths if path.encode() in body),
        ]
    ]
    assert told == []
    assert len(ears.heard) > 100


def test_the_search_finds_what_an_admin_is_sent(house):
    """The other way round: it is not the search that is blind."""
    ada = house.signed_in("Ada")
    ears = Ears(ada)
    call(ada, "versions")
    assert any(NAMES.search(body) for _, body in ears.heard)


def test_both_sides_come_in_one_size_and_kind_with_headers_that_say_nothing(bob):
    pair = pairs(bob)[0]
    left, right = (bob.get(pair[side]) for side in ("left_url", "right_url"))
    kept = ("content-type", "cache-control")
    assert [left.headers[name] for name in kept] == [right.headers[name] for name in kept]
    assert "immutable" in left.headers["cache-control"]
    assert set(left.headers) == set(right.headers)
    assert not {"etag", "last-modified", "content-disposition"} & set(left.headers)
    sizes = [Image.open(io.BytesIO(side.content)).size for side in (left, right)]
    assert sizes[0] == sizes[1]
    for side in (left, right):
        assert b"tEXt" not in side.content
    assert Image.open(io.BytesIO(left.content)).info == {}


def test_an_image_loses_its_words_and_keeps_every_dot(tmp_path):
    note = PngImagePlugin.PngInfo()
    note.add_text("parameters", "a cat, Model: secretmodel v1")
    note.add_itxt("prompt", "secretmodel")
    note.add_text("workflow", "secretmodel" * 100, zip=True)
    image, file = Image.effect_noise((40, 30), 90), io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "secretmodel"
    image.save(file, "PNG", pnginfo=note, exif=exif, dpi=(72, 72))
    clean = without_metadata(file.getvalue())
    assert b"secretmodel" in file.getvalue() and b"secretmodel" not in clean
    opened = Image.open(io.BytesIO(clean))
    assert opened.tobytes() == image.tobytes() and "parameters" not in opened.info
    assert without_metadata(clean) == clean


def test_an_image_is_served_whatever_is_wrong_with_it(tmp_path):
    length = struct.pack(">I", 2**31)
    for content in (b"", b"no image", b"\x89PNG\r\n\x1a\n" + length + b"tEXt", b"\x89PNG"):
        file = tmp_path / "image.png"
        file.write_bytes(content)
        assert image_response(file).status_code == 200
    assert image_response(tmp_path / "gone.png").status_code == 404


@pytest.mark.parametrize(
    "error", [BrokenStudio("/secret/path"), Trouble("secretmodel"), DiskFull("/x")]
)
def test_an_error_that_could_name_something_is_told_in_other_words(error):
    with pytest.raises((InvalidRequest, DiskFull)) as told, hidden_details():
        raise error
    assert str(told.value) in (
        DISK_FULL,
        RENDERING_FAILED.replace("No pair can be rendered just now", "That did not work"),
    )
    assert told.value.__cause__ is None


@pytest.mark.slow
def test_passwords_are_not_in_the_studio_folder(house):
    database = (house.place.store.images_dir.parent / "palate.duckdb").read_bytes()
    assert PASSWORD.encode() not in database
