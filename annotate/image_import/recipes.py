"""What an image that was brought is known by in the studio."""

from typing import Any

from annotate.image_import.decode import Head
from storage.records import recipe_key


def recipe_of(head: Head) -> dict[str, Any]:
    """What made an image, as far as anybody knows: the file and the prompt it came with.

    The prompt as it was found is kept beside, and is no part of the key.
    """
    written = {} if head.written == head.spelled else {"written": head.written}
    return keyed(head) | written


def key_of(head: Head) -> str:
    """What a brought image is found by."""
    return recipe_key(keyed(head))


def keyed(head: Head) -> dict[str, Any]:
    """The part of a recipe that tells images apart."""
    return {"imported": head.digest, "prompt": head.spelled}
