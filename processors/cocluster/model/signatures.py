"""Characteristics of user groups: which card groups they stream longer or shorter than all users."""

from dataclasses import dataclass

import numpy as np

from processors.arrays import FloatArray
from processors.cocluster.model.block_model import BlockModel


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroupSignature:
    """Card groups by how much this group differs there; a ratio of 2 means twice the typical seconds of all users."""

    share: float  # of the users
    typical_seconds: float
    longer: tuple[tuple[int, float], ...]  # card group, ratio of typical seconds; largest difference first
    shorter: tuple[tuple[int, float], ...]


def signature_matrix(model: BlockModel) -> FloatArray:
    """Ratios [G, K] of each user group's typical seconds with each card group to those of all users."""
    return np.asarray(np.exp(model.mean - model.user_prior @ model.mean), dtype=np.float64)


def user_group_signatures(model: BlockModel, most: int = 3) -> list[UserGroupSignature]:
    """Compare each user group's blocks with those of all users (blocks weighted by the users' shares).

    >>> model = BlockModel(generation=1, version=1, user_prior=np.array([0.5, 0.5]), card_prior=np.ones(1),
    ...     mean=np.array([[4.0], [6.0]]), variance=np.ones((2, 1)), count=np.ones((2, 1)),
    ...     global_mean=5.0, global_variance=2.0)
    >>> longer = user_group_signatures(model)[1].longer
    >>> longer[0][0], round(longer[0][1], 2)
    (0, 2.72)
    """
    signatures = []
    for g, ratio in enumerate(signature_matrix(model)):
        order = np.argsort(-ratio, kind="stable")
        signatures.append(
            UserGroupSignature(
                share=float(model.user_prior[g]),
                typical_seconds=float(np.expm1(model.card_prior @ model.mean[g])),
                longer=tuple((int(k), float(ratio[k])) for k in order[:most] if ratio[k] > 1.0),
                shorter=tuple((int(k), float(ratio[k])) for k in order[::-1][:most] if ratio[k] < 1.0),
            )
        )
    return signatures
