"""The Model section's HTML: everything that comes from files is escaped, and long lists are cut."""

from __future__ import annotations

from annotate.views.openable_models import FoundModel, ListedModelView, ModelList, ModelView
from annotate.web.html.model_cards import (
    MAX_ROWS,
    download_sentence,
    found_card,
    model_list,
    open_model_card,
    refusal_card,
)

MARKUP = "<script>alert(1)</script>"
MODEL: ModelView = {
    "name": MARKUP,
    "model": MARKUP,
    "width": 832,
    "height": 1216,
    "steps": 28,
    "guidance": 5.0,
    "scheduler": "EulerDiscreteScheduler",
    "vae": MARKUP,
    "prediction": "v_prediction",
    "unsure": ["prediction", "steps"],
    "doubt": MARKUP,
}


def listed(name: str, problem: str | None = None, is_open: bool = False) -> ListedModelView:
    return {
        "name": name,
        "model": f"/models/{name}",
        "kind": "SDXL file",
        "bytes": 6_900_000_000,
        "problem": problem,
        "open": is_open,
    }


def listing(*models: ListedModelView, folder: str | None = "/models") -> ModelList:
    sampler = {
        "state": "loading",
        "detail": MARKUP,
        "device": "cpu",
        "device_summary": MARKUP,
        "advice": MARKUP,
    }
    return {
        "current": MODEL,
        "sampler": sampler,
        "folder": folder,
        "models": list(models),
        "notes": [MARKUP],
    }


def test_what_a_file_says_is_escaped_everywhere():
    found: FoundModel = {
        **MODEL,
        "open": False,
        "download": {"whole": 7 * 10**9, "there": 10**9, "free": None, "folder": MARKUP},
    }
    everything = [
        open_model_card(MODEL, listing()["sampler"]),
        found_card(found),
        refusal_card(MARKUP),
        model_list(listing(listed(MARKUP), listed(MARKUP, MARKUP)), ""),
        model_list(listing(listed("a")), MARKUP),
    ]
    assert all("<script" not in html and "&lt;script" in html for html in everything)


def test_the_open_model_is_told_with_the_device_that_it_runs_on():
    sampler = {**listing()["sampler"], "state": "ready", "advice": None}
    told = open_model_card(MODEL, {**sampler, "device_summary": "NVIDIA L4, 24 GB, bf16"})
    assert "It runs on NVIDIA L4, 24 GB, bf16." in told
    assert "It runs on" not in open_model_card(MODEL, {**sampler, "device_summary": ""})


def test_models_that_can_be_opened_come_first_and_the_others_say_why_not():
    html = model_list(listing(listed("old.ckpt", "is a pickle."), listed("noob", None, True)), "")
    assert html.index("noob") < html.index("old.ckpt") < html.index("is a pickle.")
    assert "<button" not in html
    assert model_list(listing(listed("noob")), "").count("<button") == 1


def test_a_long_list_is_cut_and_found_by_parts_of_names():
    models = [listed(f"model-{number:04}") for number in range(MAX_ROWS + 50)]
    assert "50 more" in model_list(listing(*models), "")
    found = model_list(listing(*models), "MODEL 0231")
    assert found.count("<li") == 1 and "model-0231" in found
    assert "No model here is called" in model_list(listing(*models), "flux")


def test_without_a_folder_it_says_how_to_name_one():
    assert "--models DIR" in model_list(listing(listed("emoji"), folder=None), "")
    assert "--models DIR" not in model_list(listing(listed("emoji")), "")


def test_a_download_says_its_size_what_is_there_and_what_is_free():
    download = {"whole": 7 * 10**9, "there": 10**9, "free": 90 * 10**9, "folder": "/cache"}
    told = download_sentence(download)
    assert "7.0 GB, of which 1.0 GB are there already, to /cache, where 90.0 GB are free" in told
    assert "already" not in download_sentence(download | {"there": 0})
