"""Nodes that make their text when they run, so that the graph holds only their instructions."""

from typing import Any

from annotate.image_import.programs.comfyui.graph import Graph, Node
from annotate.image_import.programs.comfyui.names import is_text, words

MAKERS = (
    "llm", "gpt", "ollama", "gemini", "claude", "llava", "florence", "caption", "interrogat",
    "tagger", "describe", "vlm", "blip", "moondream", "deepseek", "openai", "groq", "mistral",
    "chat", "qwen", "joy", "enhance", "upsample", "translat", "superprompt", "magic",
    "feelinglucky", "rewrit", "variant", "variation", "img2prompt", "image2prompt",
    "imagetoprompt", "img2txt",
)  # fmt: skip
"""Parts of the names of nodes that write, describe, translate or vary a text."""
WORKING = ("concat", "join", "combin", "append", "merge", "multi", "encode", "replace", "format",
           "template", "clean", "trim", "split", "switch", "input", "simple")  # fmt: skip
"""Parts of the names of nodes that do no more than that with a text, whatever their pack is for."""
REWORDING = ("translat", "blip", "interrogat")
"""Parts of the names of nodes that do so also on the way to an encoder."""
SETTINGS = frozenset(
    "temperature llm instruct instruction instructions sampling repetition beams vlm "
    "api apikey system insanitylevel creativity".split()
)
"""Words in the names of settings that only a language model has."""
PHRASES = ("max_tokens", "new_tokens", "max_length", "top_p", "top_k", "keep_alive", "num_predict",
           "do_sample")  # fmt: skip
FILES = frozenset("file filename path dir directory folder url".split())
SHOWING = ("show", "display", "preview", "debug", "view", "print")
CHANCE = ("wildcard", "dynamic", "combinatorial", "randomgenerator")


def is_maker(node: Node) -> bool:
    """Return whether a node makes its text when it runs."""
    known = node.named("positive", "negative") or node.linked("conditioning", "pipe")
    if any(part in node.lower for part in REWORDING) and not known:
        return True
    if "encode" in node.lower or known:
        return False

    parts = [set(words(name)) for name in node.names]
    if any(SETTINGS & part for part in parts) or any(
        phrase in name for name in node.names for phrase in PHRASES
    ):
        return True
    if any("clip" in part for part in parts):
        return False
    sees = any({"image", "images"} & set(words(name)) for name in node.links)
    thinks = any("model" in part for part in parts)
    named = any(part in node.lower for part in MAKERS)
    return sees or thinks or (named and not any(part in node.lower for part in WORKING))


def is_read(node: Node) -> bool:
    """Return whether a node reads its text from a file."""
    if node.named("positive", "negative"):
        return False
    texts = any(is_text(node.values.get(name)) for name in node.named("text"))
    files = any(FILES & set(words(name)) for name in node.names)
    return not texts and not node.linked("text") and (files or "load" in node.lower)


def throws_dice(graph: Graph, node: Node, text: str) -> bool:
    """Return whether a text has random choices that its node does not store."""
    varied = "{" in text and "|" in text and "}" in text
    if "jinja" in node.lower and ("{{" in text or "{%" in text):
        return True
    if varied and graph.from_workflow:
        return True
    named = text.count("__") > 1
    seeded = any("seed" in words(name) for name in node.names)
    return (varied or named) and (seeded or any(part in node.lower for part in CHANCE))


def draws_lots(node: Node, text: str, texts: int) -> bool:
    """Return whether a node picks one of several texts or lines at random."""
    return "random" in node.lower and (texts > 1 or "\n" in text.strip())


def shows(node: Node) -> bool:
    """Return whether a node displays what it passes on."""
    bundles = node.named("positive", "negative", "conditioning", "pipe")
    return any(part in node.lower for part in SHOWING) and bool(node.links) and not bundles


def shown_text(node: Node) -> list[str]:
    """Return the texts that a node displayed, as far as they were saved."""
    if node.kept:
        return list(node.kept)
    return [value for name, value in node.values.items() if _is_result(name, value)]


def _is_result(name: str, value: Any) -> bool:
    return is_text(value) and not {"mode", "format", "prefix", "label", "title"} & set(words(name))
