"""What every clusterer can do: put the users and cards of a table of interactions into soft groups."""

from typing import Protocol

from processors.cocluster.soft_groups import Interactions, SoftGroups


class Clusterer(Protocol):
    """Groups for both sides. The same table and the same clusterer give the same bytes."""

    def groups(self, data: Interactions) -> SoftGroups:
        """Return soft groups of all users [users, G] and cards [cards, K], with the blocks they imply."""
        ...
