"""Text from elsewhere on a terminal: route names, units, file names, messages."""


def printable(text: str) -> str:
    """Control characters and marks of direction as escapes: a terminal would obey them."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def marked(text: str) -> str:
    """Likewise, and safe where rich looks for its markup."""
    from rich.markup import escape

    return escape(printable(text))
