"""The page is Palate's own before its scripts run: icons, link preview, loading screen."""

import re
from pathlib import Path

import pytest
from annotate_sign_in import lived_in
from annotate_web import open_web
from PIL import Image

from annotate.web.document.head import PREVIEW_HEIGHT, PREVIEW_WIDTH, head_tags, own_document
from annotate.web.document.icons import BRAND
from annotate.web.page import BACKGROUND, BACKGROUND_DARK, TEXT, TEXT_DARK
from annotate.web.static_files import read_static
from storage.tables.people import Role

HEADERS = [("host", "127.0.0.1")]


@pytest.mark.slow
def test_a_link_to_the_page_is_previewed_as_palate(tmp_path: Path) -> None:
    with open_web(tmp_path) as web:
        answer = web.ask("/", HEADERS)
        document = answer.body.decode()
        assert int(answer.headers["content-length"]) == len(answer.body)
        head = document.partition("</head>")[0]
        assert "Click to try out" not in document and "og:title" in head
        assert not re.search(r'<meta[^>]*content="[^"]*[Gg]radio', head)
        assert document.count('property="og:image"') == 1
        image = re.search(r'property="og:image" content="http://[^/"]+(/[^"]+)"', head)
        assert image and web.ask(image[1], HEADERS).headers["content-type"] == "image/png"
        for link in re.findall(r'<link rel="(?:icon|apple-touch-icon)" href="([^"]+)"', head):
            assert web.ask(f"/{link}", HEADERS).status == 200, link
        for name in ("nothing.png", "loading.html", "..%2fpage.css"):
            assert web.ask(f"/brand/{name}", HEADERS).status == 404
        assert '<div class="palate-loading"' in document


def test_strangers_get_the_icons_and_the_preview_but_not_the_page(tmp_path: Path) -> None:
    with lived_in(tmp_path) as house:
        house.let_in("bob", Role.LABELER)
        for asking in (house.stranger(), house.signed_in("bob")):
            assert asking.get("favicon.ico").headers["content-type"] == "image/png"
            assert asking.get("brand/link-preview.png").status_code == 200
        sign_in = house.stranger().get("sign-in").text
        assert 'property="og:title" content="Palate"' in sign_in
        assert "palate-loading" not in sign_in
        assert "palate-loading" in house.signed_in("bob").get("").text


def test_images_of_the_brand_have_the_sizes_that_are_promised() -> None:
    for name, size in (
        ("icon.png", (64, 64)),
        ("icon-180.png", (180, 180)),
        ("link-preview.png", (PREVIEW_WIDTH, PREVIEW_HEIGHT)),
    ):
        with Image.open(BRAND / name) as image:
            assert image.size == size, name
    assert "prefers-color-scheme: dark" in (BRAND / "icon.svg").read_text("utf-8")


def test_a_document_without_a_head_stays_as_it_is() -> None:
    assert own_document(b"<p>Moved</p>", "http://a/", loading=True) == b"<p>Moved</p>"
    own = own_document(b'<head><meta name="twitter:creator" content="@x"/></head>', "./", False)
    assert own == f"<head>{head_tags('./')}</head>".encode()


def test_what_gradio_paints_first_has_the_colors_of_the_page() -> None:
    light, _, dark = read_static("styles/page.css").partition("\n.dark {")
    for part, background, text in ((light, BACKGROUND, TEXT), (dark, BACKGROUND_DARK, TEXT_DARK)):
        assert f"--body-background-fill: {background};" in part
        assert f"--body-text-color: {text};" in part
