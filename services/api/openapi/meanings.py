"""What the code says below a field, read from the source: the document says the same."""

import ast
import inspect
import re
import sys
import textwrap
from functools import cache
from typing import Any, Final, get_origin

_TAG: Final = re.compile(r"\s*\[R-[A-Z]\d[^\]]*\]")
"""Marks of requirements, which mean nothing to a reader of the document."""


def plain(text: str) -> str:
    """Return a docstring as running text: paragraphs, no marks."""
    paragraphs = inspect.cleandoc(_TAG.sub("", text)).split("\n\n")
    return "\n\n".join(
        each if _is_laid_out(each) else each.replace("\n", " ") for each in paragraphs
    ).strip()


def field_meanings(kind: Any) -> dict[str, str]:
    """Return the docstring of each field of a Struct, inherited ones included."""
    found: dict[str, str] = {}
    for each in reversed((get_origin(kind) or kind).__mro__):
        module = sys.modules.get(each.__module__)
        if module is not None and module.__name__.startswith(("services.", "shared.")):
            found |= _of_module(module.__name__).get(each.__qualname__, {})
    return found


@cache
def _of_module(name: str) -> dict[str, dict[str, str]]:
    try:
        source = inspect.getsource(sys.modules[name])
    except OSError:  # code without its source: the document only says less
        return {}
    classes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ClassDef))
    return {each.name: _of_class(each) for each in classes}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, below in zip(node.body, node.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            found[field.target.id] = plain(textwrap.dedent(below.value.value))
    return found


def _is_laid_out(paragraph: str) -> bool:
    """Whether line ends mean something: lists and tables."""
    return any(line.lstrip().startswith(("- ", "* ", "| ")) for line in paragraph.split("\n"))
