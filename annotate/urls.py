"""Addresses of images.

No address names a path, a model or a version, which would spoil a blind test.
"""


def image_url(image_id: str) -> str:
    """Return the address of an image, relative to the server's root."""
    return f"img/{image_id}.png"
