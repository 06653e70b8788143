"""Wrong votes: what three objectives make of votes of which a third is flipped, in two dimensions.

python docs/toys/wrong_votes.py [PNG]      about fifteen seconds on one CPU core

The ring of points, the reference and the votes of dpo_2d.py, but every third vote says the opposite
of what was meant. Conservative and robust DPO are told how many votes are wrong.
"""

import sys
from pathlib import Path

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dpo_2d import VOTES, generate, ring, show, train_reference, tune

from align import LossParams, cdpo, dpo, robust_dpo

WRONG, KAPPA = 1 / 3, 20.0


def main(target: Path) -> None:
    """Train the reference and the policies, print figures and plot their points."""
    torch.manual_seed(0)
    reference, image = train_reference(), Image.new("RGB", (1400, 280), "white")
    show(image, 0, "base", generate(reference))

    first, second = ring(VOTES), ring(VOTES)
    meant = torch.rand(VOTES, 1) < torch.sigmoid(4 * (first - second)[:, :1])  # Bradley-Terry
    given = meant ^ (torch.rand(VOTES, 1) < WRONG)
    cases = {"as meant": (dpo, meant), "dpo": (dpo, given)}
    cases |= {"cdpo": (cdpo, given), "robust": (robust_dpo, given)}

    for column, (name, (loss, wins)) in enumerate(cases.items(), start=1):
        pairs = [torch.where(wins, first, second), torch.where(wins, second, first)]
        policy = tune(reference, pairs, LossParams(KAPPA, smoothing=WRONG), loss)
        show(image, column, name, generate(policy))
    image.save(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("wrong_votes.png"))
