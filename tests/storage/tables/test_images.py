from dataclasses import replace

from storage_making import make_image

from storage import new_id, recipe_key


def test_a_image_comes_back_whole(store):
    image = make_image(store, seed=1)

    assert store.image(image.image_id) == image
    assert store.find_images([image.recipe_key, "unknown"]) == {image.recipe_key: image}


def test_a_recipe_keeps_its_first_image(store):
    first = make_image(store, seed=1)
    again = replace(first, image_id=new_id(), sha256="0" * 64)
    other = make_image(store, seed=2)

    assert store.add_images([other, again, again]) == [other, first, first]
    assert store.image(again.image_id) is None


def test_no_images_are_no_work(store):
    assert store.add_images([]) == []
    assert store.find_images([]) == {}


def test_two_recipes_may_make_the_same_file(store):
    image = make_image(store, seed=1)
    recipe = image.recipe | {"steps": 99}
    twin = replace(image, image_id=new_id(), recipe=recipe, recipe_key=recipe_key(recipe))

    assert store.add_images([twin]) == [twin]


def test_the_key_of_a_recipe_does_not_depend_on_its_order():
    assert recipe_key({"seed": 1, "prompt": "é"}) == recipe_key({"prompt": "é", "seed": 1})
    assert recipe_key({"seed": 1}) != recipe_key({"seed": 2})


def test_images_lie_under_the_first_two_letters_of_their_hash(store):
    sha256 = "ab" + "0" * 62

    assert store.image_path(sha256) == store.images_dir / "ab" / f"{sha256}.png"
