"""What the next vote is worth: a taste learned from votes, and how much a pair would add to it.

A vote for one of two images is a Bradley-Terry comparison whose merits are linear in attributes.
The posterior is Laplace's approximation around its mode (Bishop 2006, section 4.5), and the value
of a pair is what its vote is expected to add to the posterior's precision (D-optimality).
"""

from dataclasses import dataclass

import numpy as np

PRIOR_VARIANCE = 1.0
STEPS = 12
FEWEST = 8
"""With fewer votes nothing is known of a taste, and any pair is as good as another."""


@dataclass(frozen=True, slots=True)
class Taste:
    """What votes say of the weights of attributes: their mode and covariance."""

    weights_D: np.ndarray
    covariance_DD: np.ndarray
    scale_D: np.ndarray
    """How far each attribute spreads between two images; differences are in its units."""

    def standard(self, difference_ND: np.ndarray) -> np.ndarray:
        """Return differences of attributes in units of their usual spread."""
        standard_ND: np.ndarray = np.clip(difference_ND / self.scale_D, -4.0, 4.0)
        return standard_ND

    def chance(self, difference_ND: np.ndarray) -> np.ndarray:
        """Return how likely the first image of each pair wins."""
        return sigmoid(self.standard(difference_ND) @ self.weights_D)

    def merit(self, looks_ND: np.ndarray) -> np.ndarray:
        """Return how much each image is to this taste; only differences mean something."""
        merit_N: np.ndarray = (looks_ND / self.scale_D) @ self.weights_D
        return merit_N

    def gain(self, difference_ND: np.ndarray) -> np.ndarray:
        """Return what a vote on each pair would add: log(1 + p (1 - p) x' S x), at least 0."""
        x_ND = self.standard(difference_ND)
        p_N = sigmoid(x_ND @ self.weights_D)
        variance_N = np.einsum("nd,de,ne->n", x_ND, self.covariance_DD, x_ND)
        gain_N: np.ndarray = np.log1p(p_N * (1.0 - p_N) * variance_N)
        return gain_N


def learn(won_ND: np.ndarray, lost_ND: np.ndarray) -> Taste | None:
    """Learn from the attributes of chosen and rejected images; None from too few votes."""
    if len(won_ND) < FEWEST:
        return None
    raw_ND = won_ND - lost_ND
    scale_D = np.sqrt((raw_ND**2).mean(0)) + 1e-9
    x_ND = np.clip(raw_ND / scale_D, -4.0, 4.0)
    weights_D = np.zeros(x_ND.shape[1])
    prior_DD = np.eye(x_ND.shape[1]) / PRIOR_VARIANCE
    precision_DD = prior_DD
    for _ in range(STEPS):
        p_N = sigmoid(x_ND @ weights_D)
        precision_DD = prior_DD + (x_ND * (p_N * (1.0 - p_N))[:, None]).T @ x_ND
        slope_D = x_ND.T @ (1.0 - p_N) - prior_DD @ weights_D
        weights_D = weights_D + np.linalg.solve(precision_DD, slope_D)
    return Taste(weights_D, np.linalg.inv(precision_DD), scale_D)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """The logistic function, safe for any size."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))
