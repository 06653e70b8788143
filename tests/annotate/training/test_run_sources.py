"""A run learns from votes that came in from files, beside those given here or alone."""

import json
from pathlib import Path

import pytest
from annotate_doubles import small_model
from places import Open, Place
from source_making import new_source, read_files, table, write_pngs

from align.contracts.snapshot_files import SnapshotManifest
from annotate.errors import InvalidRequest, NothingToLearn
from annotate.web.html.run_cards import brought
from annotate.web.html.run_panel import run_head

pytestmark = pytest.mark.slow


def base_of(place: Place) -> str:
    model = small_model()
    return str(place.store.aliases.base_of(model.identity, model.aliases))


def bring_in(place: Place, folder: Path, name: str, votes: int) -> None:
    """Bring in a source of so many choices."""
    paths, csv = write_pngs(folder / name, range(votes + 1)), table(folder / name, f"{name}.csv")
    new = new_source([csv], read_files(paths), base=base_of(place), name=name)
    place.store.sources.bring_in(new)


def manifest(place: Place, run_id: str) -> SnapshotManifest:
    path = place.store.run_dir(run_id) / "snapshot/manifest.json"
    found: SnapshotManifest = json.loads(path.read_text("utf-8"))
    return found


def test_a_plan_counts_choices_here_and_those_of_sources(place: Place, tmp_path: Path) -> None:
    bring_in(place, tmp_path, "pickapic", 12)
    bring_in(place, tmp_path, "hpd", 9)
    place.label(3)
    plan = place.studio.plan({})
    assert (plan["pairs"], plan["sources"]) == (24, {"pickapic": 12, "hpd": 9})
    assert brought(plan) == "3 choices here and 21 of 2 sources (pickapic 12, hpd 9)."
    assert plan["counts"].startswith("3 votes, all of them choices that a run learns from.")
    told = place.studio.stats()["counts"]["sentence"]
    assert told.endswith("A run also learns from 21 choices of 2 sources: pickapic and hpd.")

    place.store.sources.use(base_of(place), "hpd", False, "ann")
    assert place.studio.plan({})["sources"] == {"pickapic": 12}
    # Whoever names people learns from these alone, whoever names sources likewise.
    assert place.studio.plan({"voter": "ann"})["pairs"] == 3
    alone = place.studio.plan({"sources": ["hpd"]})
    assert (alone["pairs"], alone["sources"]) == (9, {"hpd": 9})
    assert brought(alone) == "All 9 choices came in from files: they are of the source hpd."
    assert place.studio.plan({"sources": "pickapic", "voter": "ann"})["pairs"] == 15


def test_settings_that_name_no_source_are_refused(place: Place, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="no votes came in from files"):
        place.studio.plan({"sources": ["pickapic"]})
    bring_in(place, tmp_path, "pickapic", 9)
    with pytest.raises(InvalidRequest, match="Sources of this model: pickapic"):
        place.studio.plan({"sources": ["hpd"]})
    with pytest.raises(InvalidRequest, match="as a list of names"):
        place.studio.plan({"sources": 3})


def test_a_run_is_made_of_sources_alone(place: Place, tmp_path: Path) -> None:
    with pytest.raises(NothingToLearn):
        place.studio.plan({})
    bring_in(place, tmp_path, "pickapic", 12)
    assert place.studio.next_run.preview({})["possible"]
    run_id = place.studio.fine_tune({})["run_id"]
    place.reach(run_id, "done")
    assert manifest(place, run_id)["sources"] == {"pickapic": 12}

    (run,) = place.studio.runs()
    assert run["sources"] == {"pickapic": 12}
    assert "learns from 12 choices (12 of pickapic)" in run_head(place.studio.run_detail(run_id))


def test_a_run_on_named_sources_leaves_the_votes_here_out_and_new(
    place: Place, tmp_path: Path
) -> None:
    bring_in(place, tmp_path, "pickapic", 12)
    place.label(3)
    run_id = place.studio.fine_tune({"sources": ["pickapic"]})["run_id"]
    place.reach(run_id, "done")
    assert manifest(place, run_id)["counts"]["preference"] == 12
    assert place.store.decisive_since_last_run(base_of(place)) == 3

    run_id = place.studio.fine_tune({})["run_id"]
    place.reach(run_id, "done")
    assert manifest(place, run_id)["counts"]["preference"] == 15
    assert place.store.decisive_since_last_run(base_of(place)) == 0


def test_a_source_starts_no_run_by_itself(open_place: Open, tmp_path: Path) -> None:
    place = open_place(train_every=8)
    bring_in(place, tmp_path, "pickapic", 40)
    place.label(2)
    assert place.studio.next_run.automatic()["until_next"] == 6
    assert place.run_ids() == []
