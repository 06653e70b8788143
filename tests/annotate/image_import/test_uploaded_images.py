"""Images that a browser sent are previewed and imported like those of a folder."""

from pathlib import Path

import pytest
from image_files_made import a1111
from places import Place

from annotate.errors import InvalidImport
from annotate.image_import.uploaded_images import PREFIX, UploadedImages


def sent(root: Path, *names: str) -> list[str]:
    """Files as they come from the upload: each in a folder of its own."""
    for number, name in enumerate(names):
        (root / str(number)).mkdir(parents=True)
        a1111(root / str(number) / name, "a red fox", number)
    return [str(root / str(number) / name) for number, name in enumerate(names)]


def test_uploaded_images_become_pairs_and_their_folder_goes(place: Place, tmp_path: Path) -> None:
    importer = place.studio.importer
    folder = importer.uploads.collect(sent(tmp_path / "sent", "a.png", "b.png", "c.png"))
    assert importer.preview(folder).images == 3
    assert importer.import_folder(folder)["pairs"] == 3
    importer.uploads.discard()
    assert Path(folder).name.startswith(PREFIX) and not Path(folder).exists()


def test_two_files_of_one_name_are_both_kept(tmp_path: Path) -> None:
    uploads = UploadedImages()
    folder = Path(uploads.collect(sent(tmp_path / "sent", "a.png", "a.png")))
    assert sorted(path.name for path in folder.iterdir()) == ["2-a.png", "a.png"]


def test_an_upload_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    uploads = UploadedImages()
    first = uploads.collect(sent(tmp_path / "first", "a.png"))
    uploads.collect(sent(tmp_path / "second", "b.png"))
    assert not Path(first).exists()
    with pytest.raises(InvalidImport, match="No file was sent"):
        uploads.collect([])
