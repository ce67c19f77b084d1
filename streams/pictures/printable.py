"""Text for a page: characters that HTML does not allow, as ids and titles may have, are replaced."""

import re
from typing import Any

_NOT_ALLOWED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")


def printable(value: Any) -> Any:
    r"""A value for a page; what is no text stays as it is.

    >>> printable("a\x00b\u00e9\n"), printable(7)
    ('a\ufffdbé\n', 7)
    """
    return _NOT_ALLOWED.sub("\N{REPLACEMENT CHARACTER}", value) if type(value) is str else value
