"""What a project asks for is kept with the votes."""

from pathlib import Path

import pytest

from storage import Store


@pytest.mark.parametrize("value", [3, 0.05, "text", None, ["hands", "text"], {"a": [1, 2]}])
def test_a_setting_comes_back_as_it_was_given_after_a_restart(tmp_path: Path, value: object):
    with Store(tmp_path) as store:
        store.project_settings.set("asked", value, "ann")
    with Store(tmp_path) as store:
        assert store.project_settings.get("asked", "default") == value


def test_the_newest_value_counts_and_an_unset_one_is_the_default(tmp_path: Path):
    with Store(tmp_path) as store:
        assert store.project_settings.get("overlap", 1) == 1
        store.project_settings.set("overlap", 2, "ann")
        store.project_settings.set("overlap", 3, "bob")
        assert store.project_settings.get("overlap", 1) == 3
