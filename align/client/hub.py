"""Hub models: described from the hub's configurations or the local cache, and downloaded.

A model that the cache holds whole is described like any folder, without the network. For another
one the hub is asked for the index, five configurations and the list of files, a few kilobytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from align.client.catalog.hub_cache import cache_folder
from align.client.catalog.hub_download import fetch_content
from align.client.model_defaults import ENCODERS, Configs, require_sdxl
from align.client.weight_files import variants_of
from align.errors import AlignError, BrokenModel, ModelNotFound, WrongModel, first_line

if TYPE_CHECKING:
    from huggingface_hub import HfApi

INDEX = "model_index.json"
CONFIGS = {
    "unet": "unet/config.json",
    "vae": "vae/config.json",
    "scheduler": "scheduler/scheduler_config.json",
} | {part: f"{part}/config.json" for part in ENCODERS}
SDXL_UNET_BYTES = 5_000_000_000
"""Assumed size of a UNet where nothing tells it: that of SDXL's in fp16."""
SMALL_FILES = (".json", ".txt", ".model")
"""Configurations, vocabularies and lists of shards."""
TIMEOUT_S = 5.0
"""A hub that takes longer for one answer counts as out of reach."""


class HubUnavailable(Exception):
    """The hub cannot be reached now, for the reason in the text."""


@dataclass(frozen=True)
class Hub:
    """A model hub and the local cache of its files."""

    endpoint: str
    cache: Path
    offline: bool = False
    token: str | None = None

    @classmethod
    def of_environment(cls) -> Hub:
        """Return the hub that HF_ENDPOINT, HF_HOME, HF_TOKEN and HF_HUB_OFFLINE name."""
        # Only those who name a hub model wait for the import.
        from huggingface_hub import constants, get_token  # noqa: PLC0415

        offline = bool(constants.HF_HUB_OFFLINE)
        return cls(constants.ENDPOINT, Path(constants.HF_HUB_CACHE), offline, get_token())

    def cached(self, name: str, revision: str | None = None) -> Path | None:
        """Return the folder of a model in the cache, of its newest commit unless one is named."""
        repo = self.cache / cache_folder(name)
        try:
            commit = revision or (repo / "refs" / "main").read_text(encoding="utf-8").strip()
        except OSError:
            return None
        folder = repo / "snapshots" / commit
        return folder if (folder / INDEX).is_file() else None


@dataclass(frozen=True)
class HubModel:
    """A hub model whose weights are not on this machine, by its configurations."""

    commit: str
    configs: Configs
    variant: str | None
    doubt: str = ""
    """The reason why its size is unknown: the hub was out of reach, and the cache lacks weights."""
    download_bytes: int = 0
    """Size of the files of weights that a download brings; 0 where it is unknown."""


def is_complete(folder: Path, parts: Mapping[str, str]) -> bool:
    """Return whether a pipeline's folder holds everything that its index names."""
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        named = [part for part, kind in index.items() if isinstance(kind, list) and kind[0]]
    except (OSError, ValueError, AttributeError, IndexError):
        return False
    if not all((folder / part).is_dir() for part in {*named, *parts}):
        return False
    names = {part: [file.name for file in (folder / part).iterdir()] for part in parts}
    return all(variants_of(names[part], stem) for part, stem in parts.items())


def describe_remote(hub: Hub, name: str, parts: Mapping[str, str]) -> HubModel:
    """Describe a hub model; `parts` maps the folders of its weights to the stems of their files.

    Raises:
        HubUnavailable: the hub is out of reach or HF_HUB_OFFLINE is set, and the cache lacks the
            configurations too.
        ModelNotFound: there is no such model, or it is not open to everybody.
        WrongModel: it is no diffusers pipeline.
        BrokenModel: its configurations or weights cannot be used.
    """
    try:
        if hub.offline:
            raise HubUnavailable("HF_HUB_OFFLINE is set, and it is not in the cache")
        return _from_api(hub, name, parts)
    except HubUnavailable as away:
        folder = hub.cached(name)
        known = None if folder is None else _from_cache(folder, name, str(away))
        if known is None:
            raise
        return known


def _from_api(hub: Hub, name: str, parts: Mapping[str, str]) -> HubModel:
    from huggingface_hub import HfApi  # noqa: PLC0415  see `Hub.of_environment`

    with _explained(hub, name):
        api = HfApi(endpoint=hub.endpoint, token=hub.token)
        info = api.model_info(name, timeout=TIMEOUT_S, files_metadata=True)
        sizes = {file.rfilename: int(file.size or 0) for file in info.siblings or []}
        if INDEX not in sizes:
            raise WrongModel(_no_pipeline(name, sizes))

        # By branch, so that the cache knows its newest commit; the others of that very commit.
        index = _fetched(hub, api, name, None, INDEX)
        commit = index.parent.name
        if (told := _read(index, name)).get("_class_name"):
            # Pipelines of other kinds lack some of the configurations.
            require_sdxl(name, told)
        read = {part: _fetched(hub, api, name, commit, at) for part, at in CONFIGS.items()}
        unet, vae, scheduler, *encoders = (_read(read[part], name) for part in CONFIGS)

        chosen = _to_load(name, sizes, parts)
        size = sum(sizes[at] for at in chosen["unet"][1]) or SDXL_UNET_BYTES
        variant = max(variant or "" for variant, _ in chosen.values()) or None
        configs = Configs(name, told, unet, vae, scheduler, size, tuple(encoders))
        weights = sum(sizes[at] for _, files in chosen.values() for at in files)
        return HubModel(commit, configs, variant, download_bytes=weights)


def _from_cache(folder: Path, name: str, doubt: str) -> HubModel | None:
    """Describe a model from its cached configurations; None where one of them is not there."""
    try:
        index, unet, vae, scheduler = (
            _read(folder / at, name) for at in (INDEX, *list(CONFIGS.values())[:3])
        )
        # Earlier releases looked up a model without them.
        known = [folder / CONFIGS[part] for part in ENCODERS]
        encoders = tuple(_read(file, name) for file in known if file.is_file())
    except (OSError, BrokenModel):
        return None
    configs = Configs(name, index, unet, vae, scheduler, SDXL_UNET_BYTES, encoders)
    return HubModel(folder.name, configs, "fp16", doubt)


def _fetched(hub: Hub, api: HfApi, name: str, revision: str | None, file: str) -> Path:
    """Download a file of a model unless the cache has it, and return its path."""
    return Path(
        api.hf_hub_download(
            name, file, revision=revision, cache_dir=hub.cache, etag_timeout=TIMEOUT_S
        )
    )


def _read(file: Path, name: str) -> dict[str, Any]:
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        reason = first_line(error)
    else:
        if isinstance(value, dict):
            return value
        reason = "it is not a configuration"
    at = "/".join(file.parts[-2:]) if file.name != INDEX else INDEX
    raise BrokenModel(f"{at} of {name} cannot be read ({reason}). Choose another model.")


def download(hub: Hub, name: str, revision: str | None, parts: Mapping[str, str]) -> Path:
    """Download the missing files of a model, and return its folder in the cache.

    A file of weights goes on where an earlier download stopped.

    Raises what the hub's library raises.
    """
    from huggingface_hub import HfApi  # noqa: PLC0415  see `Hub.of_environment`

    api = HfApi(endpoint=hub.endpoint, token=hub.token)
    info = api.model_info(name, revision=revision, files_metadata=True)
    sizes = {file.rfilename: int(file.size or 0) for file in info.siblings or []}

    # Weights last: a download that is broken off leaves the configurations that describe it.
    weights = [at for _, files in _to_load(name, sizes, parts).values() for at in files]
    others = [at for at in sizes if at.count("/") < 2 and at.endswith(SMALL_FILES)]
    for at in (*others, *weights):
        if at in weights:
            fetch_content(api, hub.cache, name, str(info.sha), at)
        path = api.hf_hub_download(name, at, revision=str(info.sha), cache_dir=hub.cache)
    return Path(path).parents[1]


def _to_load(
    name: str, sizes: Mapping[str, int], parts: Mapping[str, str]
) -> dict[str, tuple[str | None, list[str]]]:
    """Return the variant of each part to download, fp16 where there is one, and its files."""
    chosen: dict[str, tuple[str | None, list[str]]] = {}
    for part, stem in parts.items():
        names = [at.removeprefix(f"{part}/") for at in sizes if at.startswith(f"{part}/")]
        variants = variants_of(names, stem)
        if not variants:
            raise BrokenModel(
                f"{name} holds no weights of its {part} in safetensors files, and Palate reads no "
                "others. Choose another model, or convert it and point --model at the folder."
            )

        variant = "fp16" if "fp16" in variants else next(iter(variants))
        chosen[part] = (variant, [f"{part}/{file}" for file in variants[variant]])
    return chosen


def _no_pipeline(name: str, files: Mapping[str, int]) -> str:
    """Return the sentence that refuses a repository without an index."""
    single = sorted(file for file in files if file.endswith(".safetensors") and "/" not in file)
    if single:
        return (
            f"{name} holds single files such as {single[0]} and no {INDEX}, so it opens by no hub "
            f"name. A checkpoint of SDXL opens as it is: download it with `hf download {name} "
            f"{single[0]} --local-dir .`, then start with --model {single[0]}."
        )
    return f"{name} is no diffusers pipeline: it has no {INDEX}. Choose an SDXL pipeline."


@contextmanager
def _explained(hub: Hub, name: str) -> Iterator[None]:
    """Turn errors of the hub's library into ModelErrors with a sentence, or HubUnavailable."""
    from huggingface_hub import errors  # noqa: PLC0415  see `Hub.of_environment`

    page = f"{hub.endpoint}/{name}"
    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelNotFound(
            f"{name} is gated: its owner asks people to accept terms first. Accept them at {page}, "
            "then set HF_TOKEN to a token of yours, or log in with `hf auth login`."
        ) from error
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError) as error:
        raise ModelNotFound(
            f"There is no folder {name} here, and {hub.endpoint} has no model {name}, or only for "
            "some people. Check the name; for a private model set HF_TOKEN."
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise BrokenModel(f"{name} is not complete on the hub. ({first_line(error)})") from error
    except errors.HFValidationError as error:
        raise ModelNotFound(f"{name!r} is no name of a model. ({first_line(error)})") from error
    except errors.HfHubHTTPError as error:
        if error.response.status_code in (401, 403):
            raise ModelNotFound(
                f"{hub.endpoint} lets nobody read {name} without signing in. Set HF_TOKEN to a "
                "token of yours that may."
            ) from error
        raise HubUnavailable(_reason(hub, error)) from error
    except AlignError:
        raise
    except Exception as error:
        # The library's transport has errors of its own, by version: they all mean no answer.
        raise HubUnavailable(_reason(hub, error)) from error


def _reason(hub: Hub, error: Exception) -> str:
    return f"{hub.endpoint} does not answer: {first_line(error).rstrip('.')}"
