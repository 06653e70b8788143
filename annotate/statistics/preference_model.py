"""Preference model: Bayesian logistic regression of votes on differences of image features.

A vote is a Bradley-Terry comparison of two images whose scores are linear in their features. The
posterior of the weights is Laplace's approximation around its mode (Bishop 2006, section 4.5).

The model also says which pair to label next: the information gain of a pair is what its vote is
expected to add to the log determinant of the posterior's precision (D-optimality).
"""

# Shape suffixes: N votes or images, D features.

from dataclasses import dataclass

import numpy as np

PRIOR_VARIANCE = 1.0
NEWTON_STEPS = 12
MIN_VOTES = 8
"""With fewer votes there is no model, and any pair is as good as another."""
CLIP = 4.0
"""Standardized differences are cut here, so that one odd image does not rule the fit."""


@dataclass(frozen=True, slots=True)
class PreferenceModel:
    """Posterior of the feature weights: mode and covariance."""

    weights_D: np.ndarray
    covariance_DD: np.ndarray
    scale_D: np.ndarray
    """Root mean square difference of each feature within a pair; the unit of the weights."""

    def standardize(self, difference_ND: np.ndarray) -> np.ndarray:
        """Return differences of features in units of their usual size."""
        standard_ND: np.ndarray = np.clip(difference_ND / self.scale_D, -CLIP, CLIP)
        return standard_ND

    def win_probability(self, difference_ND: np.ndarray) -> np.ndarray:
        """Return the probability that the first image of each pair wins."""
        return sigmoid(self.standardize(difference_ND) @ self.weights_D)

    def score(self, features_ND: np.ndarray) -> np.ndarray:
        """Return a score of each image in log odds; only differences of scores mean something."""
        score_N: np.ndarray = (features_ND / self.scale_D) @ self.weights_D
        return score_N

    def information_gain(self, difference_ND: np.ndarray) -> np.ndarray:
        """Return what a vote on each pair would add: log(1 + p (1 - p) x' S x), at least 0."""
        x_ND = self.standardize(difference_ND)
        p_N = self.win_probability(difference_ND)
        variance_N = np.einsum("nd,de,ne->n", x_ND, self.covariance_DD, x_ND)
        gain_N: np.ndarray = np.log1p(p_N * (1.0 - p_N) * variance_N)
        return gain_N


def fit_preference_model(won_ND: np.ndarray, lost_ND: np.ndarray) -> PreferenceModel | None:
    """Fit the model to the features of chosen and rejected images; None from too few votes."""
    if len(won_ND) < MIN_VOTES:
        return None

    raw_ND = won_ND - lost_ND
    scale_D = np.sqrt((raw_ND**2).mean(0)) + 1e-9
    x_ND = np.clip(raw_ND / scale_D, -CLIP, CLIP)

    # Newton's method, without a line search since the log posterior is concave.
    weights_D = np.zeros(x_ND.shape[1])
    prior_DD = np.eye(x_ND.shape[1]) / PRIOR_VARIANCE
    precision_DD = prior_DD
    for _ in range(NEWTON_STEPS):
        p_N = sigmoid(x_ND @ weights_D)
        precision_DD = prior_DD + (x_ND * (p_N * (1.0 - p_N))[:, None]).T @ x_ND
        gradient_D = x_ND.T @ (1.0 - p_N) - prior_DD @ weights_D
        weights_D = weights_D + np.linalg.solve(precision_DD, gradient_D)
    return PreferenceModel(weights_D, np.linalg.inv(precision_DD), scale_D)


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Return the logistic function; tanh does not overflow where exp(-z) would."""
    return 0.5 * (1.0 + np.tanh(0.5 * z))
