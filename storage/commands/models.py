"""Models of a studio, as a command names them."""

from storage.errors import UnknownModel
from storage.store import Store


def model_of(store: Store, named: str | None) -> str:
    """Return the id of the model of this name or id, or with None of the only one.

    Raises UnknownModel.
    """
    names = {
        base: str(store.project_settings.get(f"model_name:{base}", base))
        for base in store.aliases.all()
    }
    if not names:
        raise UnknownModel(
            "No model was opened in this studio yet, and votes belong to a model. Start Palate on "
            "it once, with --model for your own."
        )

    found = [base for base, name in names.items() if named in (None, base, name)]
    if len(found) != 1:
        known = ", ".join(sorted(f"{name} ({base})" for base, name in names.items()))
        what = "has several models" if named is None or found else f"has no model {named!r}"
        raise UnknownModel(f"This studio {what}. Name one with --model: {known}.")
    return found[0]
