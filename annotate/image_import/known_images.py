"""Images that the studio holds already, and the key by which an imported image is found again."""

from dataclasses import dataclass

from align.contracts.image_sizes import Size, place
from annotate.image_import.decode import ImageHeader
from storage.recipes import ImportedRecipe, recipe_key
from storage.records import Image


@dataclass
class KnownImages:
    """Stored images of a folder by key, their pairs, and those whose file was lost."""

    images: dict[str, Image]
    partners: dict[str, set[str]]
    """Ids of the images that an image is paired with, by its id."""
    lost: set[str]
    """Ids of images whose file is missing or damaged; importing them again restores it."""

    def is_paired(self, header: ImageHeader) -> bool:
        """Return whether an image is in a pair already and its file is sound."""
        image = self.images.get(image_key(header))
        if image is None or image.image_id in self.lost:
            return False
        return image.image_id in self.partners

    def size_of(self, header: ImageHeader) -> Size | None:
        """Return the size at which an image is stored; None for a new one."""
        image = self.images.get(image_key(header))
        return None if image is None else (image.width, image.height)


def image_recipe(header: ImageHeader, size: Size) -> ImportedRecipe:
    """Return the recipe of an imported image: the digest of its file and its prompt.

    The prompt as it was written is kept beside, and what the image was before it was stored at
    `size`. Both are no part of the key.
    """
    recipe = key_fields(header)
    if header.written != header.spelled:
        recipe["written"] = header.written
    original = header.original or header.size
    if original != size:
        recipe["original"] = {"size": [*original], "crop": [*place(original, size).crop]}
    return recipe


def image_key(header: ImageHeader) -> str:
    """Return the key by which an imported image is found again."""
    return recipe_key(key_fields(header))


def key_fields(header: ImageHeader) -> ImportedRecipe:
    """Return the part of a recipe that tells images apart."""
    return {"imported": header.digest, "prompt": header.spelled}
