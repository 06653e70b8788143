"""What a kill left half written is gone after the next start; everything else stays."""

from storage_making import BASE, make_pair

from storage import Store
from storage.disk.scratch import SCRATCH
from storage.tables.version_labels import VersionLabels

LEFT = [
    "images/ab/.0123456789abcdef", "images/.0123456789abcdef.12ab34cd.png",
    f"exports/{BASE}/.fedcba9876543210/v1/a.safetensors", f"exports/{BASE}/.v1.12ab34cd",
    "imports/.lora.0a1b2c3d.safetensors", "snapshots/.s0001.0a1b2c3d/pairs.jsonl",
    ".cleanup-0123456789abcdef/0/x", ".palate-k3_x1/palate.duckdb", ".grid.tmp",
    "palate.duckdb.tmp/duckdb_temp_storage-0.tmp",
]  # fmt: skip
KEPT = [
    ".gitignore", ".DS_Store", "images/ab/.stfolder", f"exports/{BASE}/v1/a.safetensors",
    f"exports/{BASE}/.0000000000000000/before/a.safetensors", "runs/r0001/.metrics.0a1b2c3d.jsonl",
    "images/notes.txt", "exports/.keep",
]  # fmt: skip


def test_what_a_kill_left_half_written_is_swept_at_the_next_start(home):
    with Store(home) as store:
        store.ensure_base(BASE)
        image = store.image_path(store.image(make_pair(store).left).sha256)
    for name in [*LEFT, *KEPT]:
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"half")

    with Store(home):
        pass
    assert [name for name in LEFT if (home / name).exists()] == []
    assert [name for name in KEPT if not (home / name).exists()] == []
    assert image.exists() and not (home / f"exports/{BASE}/.fedcba9876543210").exists()


def test_what_an_export_writes_has_a_name_that_is_swept(store, home):
    assert isinstance(store.version_labels, VersionLabels)
    with store.version_labels.writing_export(BASE, "v1") as target:
        target.mkdir()
        assert SCRATCH.fullmatch(target.parent.name)
