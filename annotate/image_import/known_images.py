"""Images that the studio holds already, and the key by which an imported image is found again."""

from dataclasses import dataclass

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


def image_recipe(header: ImageHeader) -> ImportedRecipe:
    """Return the recipe of an imported image: the digest of its file and its prompt.

    The prompt as it was written is kept beside, and is no part of the key.
    """
    recipe = key_fields(header)
    if header.written != header.spelled:
        recipe["written"] = header.written
    return recipe


def image_key(header: ImageHeader) -> str:
    """Return the key by which an imported image is found again."""
    return recipe_key(key_fields(header))


def key_fields(header: ImageHeader) -> ImportedRecipe:
    """Return the part of a recipe that tells images apart."""
    return {"imported": header.digest, "prompt": header.spelled}
