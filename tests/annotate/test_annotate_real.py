"""The studio with the real image model and the real trainer."""

from pathlib import Path

from conftest import until

from align.launch import TrainerProcess
from align.models import describe_model
from align.sampler_process import SamplerProcess
from annotate.studio import Studio
from storage.store import Store

QUICK = {"steps": 2, "batch_pairs": 2, "rank": 2}


# The sampler's pipe is left to the garbage collector.
def test_votes_become_a_version_that_draws_other_pictures(tmp_path: Path) -> None:
    model = describe_model(None)
    with Store(tmp_path / "studio") as store:
        sampler = SamplerProcess(model, store.images_dir, tmp_path / "sampler.txt")
        studio = Studio(store, sampler, TrainerProcess(), model, 0, settle_s=0.0)
        studio.start()
        try:
            learn_and_compare(studio)
        finally:
            studio.close()


def learn_and_compare(studio: Studio) -> None:
    for number in range(2):
        pair = until(lambda: studio.pairs_ahead("ann", [], 1)["pairs"])[0]
        studio.vote(pair["pair_id"], "left", "ann", f"k{number}")
    run_id = studio.fine_tune(QUICK)["run_id"]
    until(lambda: studio.run_status(run_id)["state"] not in ("queued", "running"))
    status = studio.run_status(run_id)
    assert (status["state"], status["version"]) == ("done", "v1"), status
    urls = studio.compare("a cat face", 7, "base", "v1")
    assert urls["before_url"] != urls["after_url"]
    assert studio.compare("a cat face", 7, "base", "v1") == urls
    assert studio.activate("v1")[1]["active"] is True
