"""Types of what the page's scripts and the server send each other, for TypeScript's checker.

`python docs/generate.py` writes them into annotate/web/static/server.d.ts, from the TypedDicts that
the server answers and the models by which it reads requests: each key is written once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

from documents import about, collect, field_docs, is_object, key_docs, required_keys
from pydantic import BaseModel

from annotate.views.changes import ChangeAnswer, ChangeNews
from annotate.views.comparison import BoardView
from annotate.views.data import DataHtml
from annotate.views.next_run import RunNotice
from annotate.views.own_votes import ChangedVote, OwnVotesList
from annotate.views.pairs_and_votes import ItemsAhead, StageReply, UndoReply, VoteReply
from annotate.views.prompts import AskedItems, AskedPrompt, PromptsHtml
from annotate.views.stage_answers import OwnVotesPage, StageSampler, StageSession, StageStatus
from annotate.web import payloads

ANSWERS: tuple[type, ...] = (
    *(ItemsAhead, StageReply, VoteReply, UndoReply, StageStatus, StageSession, StageSampler),
    *(OwnVotesPage, BoardView, ChangeNews, ChangeAnswer),
    *(AskedPrompt, AskedItems, PromptsHtml),
    *(OwnVotesList, ChangedVote, RunNotice, DataHtml),
)
REQUESTS: tuple[type[BaseModel], ...] = (
    *(payloads.PairsRequest, payloads.StatusRequest, payloads.SessionRequest, payloads.SessionGoal),
    *(payloads.VoteEvent, payloads.UndoEvent, payloads.AnnotationEvent, payloads.FlagEvent),
    *(payloads.RankingEvent, payloads.ChangeRequest, payloads.ChangeAct),
    *(payloads.AskedPromptRequest, payloads.PromptsRequest, payloads.DataRequest),
    *(payloads.OwnVotesRequest, payloads.ChangeVoteRequest, payloads.LongRunAnswer),
)
HEAD = """\
// Types of what the server and the scripts send each other. Only the type checker reads this file.
// Written by `python docs/generate.py` from annotate/views/ and annotate/web/payloads.py.
"""
NAMES = {str: "string", int: "number", float: "number", bool: "boolean", NoneType: "null"}


def script_types() -> str:
    """Return the file of types: an interface for each document, by name."""
    found: dict[str, type] = {}
    for answer in ANSWERS:
        collect(answer, found)
    assert not {model.__name__ for model in REQUESTS} & found.keys(), "two things have one name"

    interfaces = {name: of_answer(view) for name, view in found.items()}
    interfaces |= {model.__name__: of_request(model) for model in REQUESTS}
    return "\n".join([HEAD, *(interfaces[name] for name in sorted(interfaces))])


def of_answer(view: type) -> str:
    """Return the interface of a TypedDict."""
    parameters = getattr(view, "__parameters__", ())
    name = view.__name__
    if parameters:
        given = (f"{each.__name__} extends {union(each.__constraints__)}" for each in parameters)
        name += f"<{', '.join(given)}>"
    required = required_keys(view)
    keys = {key: (key in required, kind) for key, kind in get_type_hints(view).items()}
    return interface(name, about(view), keys, key_docs(view))


def of_request(model: type[BaseModel]) -> str:
    """Return the interface of a model by which requests are read."""
    keys = {
        key: (field.is_required(), field.annotation) for key, field in model.model_fields.items()
    }
    docs = {
        key: text
        for each in reversed(model.__mro__)
        if issubclass(each, BaseModel) and each is not BaseModel
        for key, text in field_docs(each).items()
    }
    return interface(model.__name__, about(model), keys, docs)


def interface(name: str, text: str, keys: dict[str, tuple[bool, Any]], docs: dict[str, str]) -> str:
    """Return an interface from its keys: whether each is required, and its type."""
    lines = [f"/** {text} */", f"export interface {name} {{"]
    for key, (required, kind) in keys.items():
        if key in docs:
            lines.append(f"  /** {docs[key]} */")
        lines.append(f"  {key}{'' if required else '?'}: {written(kind)};")
    return "\n".join([*lines, "}", ""])


def written(kind: Any) -> str:
    """Return a type as TypeScript writes it."""
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return written(inner[0])
    if isinstance(kind, TypeVar) or is_object(kind):
        return str(kind.__name__)
    if origin is Literal:
        return " | ".join(map(json.dumps, inner))
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " | ".join(map(json.dumps, kind))
    if origin in (Union, UnionType):
        return union(inner)
    if origin is tuple:
        return f"[{', '.join(map(written, inner))}]"
    if origin is dict:
        return f"Record<string, {written(inner[1])}>"
    if origin in (list, Sequence):
        element = written(inner[0])
        return f"({element})[]" if "|" in element else f"{element}[]"
    return NAMES.get(kind, "unknown")


def union(kinds: Sequence[Any]) -> str:
    """Return the union of types."""
    return " | ".join(map(written, kinds))
