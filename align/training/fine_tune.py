"""Fine-tune a model on a snapshot in one call, in this process and without an app."""

from __future__ import annotations

import importlib
from pathlib import Path

from align.client.config import TrainConfig, configure
from align.client.models import resolve_model
from align.client.progress import OnStep, ignore_step
from align.client.run_folder import RunFolder
from align.client.trainer import TrainerProcess
from align.contracts.models import ModelInfo
from align.contracts.run_files import RunState
from align.contracts.snapshot_files import MANIFEST
from align.errors import InvalidSettings, OtherRun, SnapshotError
from align.training.session import LOOP, train_folder
from align.weights.export_facts import find_source


def fine_tune(
    snapshot: Path | str,
    run: Path | str,
    *,
    model: str | Path | ModelInfo | None = None,
    init_from: Path | str | RunFolder | None = None,
    cache: Path | str | None = None,
    on_step: OnStep = ignore_step,
    **settings: float | str,
) -> RunFolder:
    """Fine-tune a model on the votes of a snapshot by Diffusion-DPO, or another objective.

    The same as a run of the app: Wallace et al. 2023 (arXiv 2311.12908) on a LoRA by default, with
    pairs held out by prompt, and checks of the result beside its base. A call that was interrupted
    goes on from its last checkpoint when it is repeated, and one that is done returns at once.

    Args:
        snapshot: a folder as `write_snapshot` makes it.
        run: the run's own folder: a new one, or that of a call to repeat.
        model: a checkpoint's file, a folder or a hub name; left out, the embedded model.
        init_from: an adapter file or a run folder to go on from, in place of the base.
        cache: a folder for what runs on the same images and prompts share: latents, embeddings and
            errors of the reference; left out, each run has its own.
        on_step: called after every optimizer step with its metrics (docs/settings.md).
        **settings: settings in place of the defaults for this size of model, by the names in
            docs/settings.md, such as `steps=100`, `objective="ipo"` or `beta=5000`.

    Returns:
        The run folder: `adapter` is the file that `ImageSampler` and diffusers load, `metrics()`
        the numbers of every step, `status().result` accuracies and advice.

    Raises:
        InvalidSettings: a setting is unknown or out of range.
        ModelError: the model cannot be loaded.
        SnapshotError: the votes cannot be learned from.
        RunError: the folder holds another run or something else, or the training diverged.
    """
    info = resolve_model(model)
    start = None if init_from is None else find_source(init_from).adapter
    given = dict(settings) | ({} if init_from is None else {"init_from": _name_of(init_from)})
    config = configure(info.preset, given)
    if config.num_processes > 1:
        raise InvalidSettings(
            "This is one process. For num_processes above 1, run `palate train` on the folder."
        )

    folder = RunFolder(Path(run))
    if folder.config_path.exists():
        _require_same(folder, Path(snapshot), info, config)
        if folder.status().state is RunState.DONE:
            return folder
        folder.clear_cancel()
    else:
        _require_free(folder)
        TrainerProcess().prepare(folder.path, Path(snapshot), info, given, start)
    # Imported here as usual: a process of Palate's own keeps what there is by then for good, and a
    # caller's models must not stay in memory.
    importlib.import_module(LOOP)
    train_folder(folder.path, cache=None if cache is None else Path(cache), on_step=on_step)
    return folder


def _name_of(start: Path | str | RunFolder) -> str:
    """Return the name of a run folder or an adapter file, as the setting `init_from` has it."""
    source = start.path if isinstance(start, RunFolder) else Path(start)
    name = source.resolve().name if source.is_dir() else source.stem
    # That name stands for no adapter at all.
    return f"{name} adapter" if name == "base" else name


def _require_free(run: RunFolder) -> None:
    """Raise OtherRun where a folder holds what no call that was cut short has left."""
    if not run.path.is_dir():
        above = next(path for path in (run.path, *run.path.parents) if path.exists())
        if not above.is_dir() or run.path.is_symlink():
            raise OtherRun(f"{run.path} cannot be a folder: a file is there. Name a new folder.")
        return
    own = {run.snapshot.name, run.start.name, run.cache.name}
    names = sorted(path.name for path in run.path.iterdir())
    if foreign := [name for name in names if name not in own and not name.startswith(".")]:
        raise OtherRun(
            f"{run.path} holds something else than a run, such as {foreign[0]}. Name a new folder."
        )


def _require_same(run: RunFolder, snapshot: Path, model: ModelInfo, config: TrainConfig) -> None:
    """Raise OtherRun unless the folder holds the run of this snapshot, model and settings."""
    if not (snapshot / MANIFEST).is_file():
        raise SnapshotError(f"{snapshot} is not a snapshot: it has no {MANIFEST}.")
    kept = run.read_config()
    manifests = [folder / MANIFEST for folder in (run.snapshot, snapshot)]
    same_votes = len({path.read_bytes() for path in manifests if path.is_file()}) == 1
    if not same_votes or not kept.model.is_same(model) or kept.train != config:
        raise OtherRun(
            f"{run.path} holds a run of other votes, another model or other settings. "
            "Name a new folder, or repeat that call."
        )
