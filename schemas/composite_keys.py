"""Keys made of several names, unique whatever the names contain.

The separator and the percent sign are percent-encoded, as in a URL; a name without them is its own key.
"""

SURFACE_SEPARATOR, WORD_SEPARATOR = "@", " "


def joined(names: tuple[str, ...], separator: str) -> str:
    """Join names into a key.

    >>> joined(("a", "search"), "@"), joined(("a@search",), "@"), joined(("a%40b", "c"), "@")
    ('a@search', 'a%40search', 'a%2540b@c')
    """
    return separator.join(name.replace("%", "%25").replace(separator, f"%{ord(separator):02X}") for name in names)


def parted(key: str, separator: str) -> tuple[str, ...]:
    """Split a key that `joined` made into its names; undefined for other keys.

    >>> parted("a%40search", "@"), parted("a@search", "@")
    (('a@search',), ('a', 'search'))
    """
    names = key.split(separator)
    return tuple(name.replace(f"%{ord(separator):02X}", separator).replace("%25", "%") for name in names)
