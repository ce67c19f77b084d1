"""Groups given from outside: by country, by genre, by an editor. Blocks are counted, nothing is learned."""

from dataclasses import dataclass

from processors.arrays import IntArray
from processors.cocluster.fitting.global_moves import one_hot
from processors.cocluster.model.soft_groups import Interactions, SoftGroups, soft_groups


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StaticGroups:
    """Each user's and each card's group, numbered from 0."""

    user: IntArray  # [users]
    card: IntArray  # [cards]
    user_groups: int
    card_groups: int

    def __post_init__(self) -> None:
        """Reject invalid group numbers."""
        for group, groups in ((self.user, self.user_groups), (self.card, self.card_groups)):
            if len(group) and not 0 <= int(group.min()) <= int(group.max()) < groups:
                raise ValueError(f"group numbers must lie in 0..{groups - 1}")

    def groups(self, data: Interactions) -> SoftGroups:
        """Count the blocks of the given groups."""
        user, card = one_hot(self.user, self.user_groups), one_hot(self.card, self.card_groups)
        return soft_groups(data, user, card)
