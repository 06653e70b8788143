"""Wrong votes: how objectives take it when a third of the votes is flipped, in two dimensions.

python docs/toys/wrong_votes.py [PNG]      about twenty seconds on one CPU core

The ring and the votes of dpo_2d.py, but every third vote says the opposite of what was meant. The
same reference is trained on them by several objectives, all imported from `align`. `robust_dpo` and
`cdpo` are told how many votes are wrong. Shapes: N points.
"""

import sys
from pathlib import Path

import torch
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from dpo_2d import VOTES, generate, ring, show, train_reference, tune

from align import LossParams, cdpo, dpo, hinge, ipo, robust_dpo

WRONG, KAPPA = 1 / 3, 20.0
OBJECTIVES = {"dpo": dpo, "cdpo": cdpo, "robust": robust_dpo, "ipo": ipo, "hinge": hinge}


def main(target: Path) -> None:
    """Train the reference and a policy for each objective, print figures, plot their points."""
    torch.manual_seed(0)
    reference = train_reference()
    image = Image.new("RGB", (280 * (1 + len(OBJECTIVES)), 280), "white")
    show(image, 0, "base", generate(reference))

    first, second = ring(VOTES), ring(VOTES)
    wins = torch.rand(VOTES, 1) < torch.sigmoid(4 * (first - second)[:, :1])  # Bradley-Terry
    wins ^= torch.rand(VOTES, 1) < WRONG
    pairs = [torch.where(wins, first, second), torch.where(wins, second, first)]

    for column, (name, loss) in enumerate(OBJECTIVES.items(), start=1):
        policy = tune(reference, pairs, LossParams(KAPPA, smoothing=WRONG), loss)
        show(image, column, name, generate(policy))
    image.save(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("wrong_votes.png"))
