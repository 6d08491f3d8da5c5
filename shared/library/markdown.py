"""Tables of the guides that are made from code and data, and how they are put in."""

from collections.abc import Callable, Iterable, Mapping, Sequence


def put_tables(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """Return a document with every generated table as it is today.

    A table stands between `<!-- name:begin -->` and `<!-- name:end -->`.
    """
    for name, make in tables.items():
        begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
        before, mark, rest = text.partition(begin)
        if mark:
            _, _, after = rest.partition(end)
            text = f"{before}{begin}{make()}{end}{after}"
    return text


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |\n" for line in lines)
