"""Scripts are served as modules, below the page, for good, and to whoever may see the page."""

import re
from pathlib import Path

import pytest
from annotate_sign_in import lived_in
from annotate_web import open_web

from annotate.web.stage import STYLES
from annotate.web.static_files import event_script, preload_links, read_static, start_script
from storage.tables.people import Role

LOCAL_HEADERS = [("host", "127.0.0.1")]


def addresses(text: str) -> list[str]:
    return re.findall(r"scripts/[0-9a-f]{16}/[\w/.]+", text)


@pytest.mark.slow
def test_a_script_is_a_module_that_browsers_keep_for_good(tmp_path: Path) -> None:
    (stage,) = addresses(start_script("stage/stage.js"))
    with open_web(tmp_path) as web:
        answer = web.ask(f"/{stage}", LOCAL_HEADERS)
        assert answer.status == 200 and b"export async function start(" in answer.body
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "immutable" in answer.headers["cache-control"]

        style = stage.replace("stage/stage.js", "styles/page.css")
        assert web.ask(f"/{style}", LOCAL_HEADERS).headers["content-type"].startswith("text/css")
        version = stage.split("/")[1]
        for path in (
            stage.replace(version, "0" * 16),
            stage.replace("stage.js", "nothing.js"),
            f"scripts/{version}/stage/stage.html",
            f"scripts/{version}/types.d.ts",
            f"scripts/{version}/../page.py",
            f"scripts/{version}/%2e%2e/page.py",
            f"scripts/{version}/stage/",
        ):
            refused = web.ask(f"/{path}", LOCAL_HEADERS)
            assert refused.status == 404, path
            assert "immutable" not in refused.headers.get("cache-control", "")


def test_scripts_are_for_whoever_may_see_the_page(tmp_path: Path) -> None:
    (stage,) = addresses(start_script("stage/stage.js"))
    with lived_in(tmp_path) as house:
        for name, role in (("ada", Role.ADMIN), ("bob", Role.LABELER)):
            house.let_in(name, role)
            assert house.signed_in(name).get(stage).status_code == 200, role
        assert house.stranger().get(stage).status_code == 401


def test_a_script_and_all_that_it_imports_load_at_once() -> None:
    links = addresses(preload_links("stage/stage.js"))
    names = {link.split("/", 2)[2] for link in links}
    assert {"stage/stage.js", "stage/outbox.js", "dom.js", "zoom.js"} <= names
    assert not any(name.startswith("compare/") for name in names)
    assert len(links) == len(names)


def test_a_script_starts_with_what_gradio_gives_it_wherever_the_page_lies() -> None:
    script = start_script("people.js", "startLink")
    assert ".startLink({ element, trigger, props, server, watch })" in script
    for each in (script, event_script("compare/link.js", "readLink")):
        assert re.search(r'import\(new URL\("scripts/[^"]+", document\.baseURI\)\.href\)', each)
    with pytest.raises(KeyError):
        start_script("nothing.js")


@pytest.mark.parametrize("name", ["stage/stage.html", *STYLES])
def test_nothing_on_the_stage_ends_the_template_that_gradio_makes_of_it(name: str) -> None:
    text = read_static(name)
    assert "`" not in text and "${" not in text
