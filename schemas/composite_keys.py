"""Keys made of several names: no two lists of names have the same one, whatever is in the names.

A name without the separator and without a percent sign stands for itself, in others these two are written as in a URL.
"""

SURFACE_SEPARATOR, WORD_SEPARATOR = "@", " "


def joined(names: tuple[str, ...], separator: str) -> str:
    """The key of these names.

    >>> joined(("a", "search"), "@"), joined(("a@search",), "@"), joined(("a%40b", "c"), "@")
    ('a@search', 'a%40search', 'a%2540b@c')
    """
    return separator.join(name.replace("%", "%25").replace(separator, f"%{ord(separator):02X}") for name in names)


def parted(key: str, separator: str) -> tuple[str, ...]:
    """The names of a key that `joined` made; for any other key some names, or others.

    >>> parted("a%40search", "@"), parted("a@search", "@")
    (('a@search',), ('a', 'search'))
    """
    names = key.split(separator)
    return tuple(name.replace(f"%{ord(separator):02X}", separator).replace("%25", "%") for name in names)
