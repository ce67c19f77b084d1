"""The interface of clusterers: soft groups of the users and cards of a table of interactions."""

from typing import Protocol

from processors.cocluster.model.soft_groups import Interactions, SoftGroups


class Clusterer(Protocol):
    """Soft groups of both sides. Equal tables and equal clusterers give equal bytes."""

    def groups(self, data: Interactions) -> SoftGroups:
        """Return soft groups of all users [users, G] and cards [cards, K], with the blocks they imply."""
        ...
