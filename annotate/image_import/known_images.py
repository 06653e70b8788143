"""What the studio holds already of a folder's images."""

from dataclasses import dataclass

from annotate.image_import.decode import Head
from annotate.image_import.recipes import key_of
from storage.records import Image


@dataclass
class Stock:
    """What the studio holds of a folder: images by key, pairs, and the images in them."""

    images: dict[str, Image]
    partners: dict[str, set[str]]
    """By the id of an image in a pair, those that it is paired with."""
    lost: set[str]
    """By id, images whose file is gone or damaged; to bring them again puts it back."""

    def knows(self, head: Head) -> bool:
        """Whether an image is in a pair already, and its file is sound."""
        image = self.images.get(key_of(head))
        if image is None or image.image_id in self.lost:
            return False
        return image.image_id in self.partners
