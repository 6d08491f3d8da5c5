"""The tables of `docs/access.md`, made from the roles.

    python -m tests.support.role_docs

writes them anew.
"""

from pathlib import Path

from shared.keys import SCOPES
from shared.roles import ROLES, load_roles, scopes_of

PAGE = Path(__file__).parents[2] / "docs" / "access.md"

BEGIN, END = "<!-- roles:begin -->\n", "<!-- roles:end -->"


def tables() -> str:
    """Return what each role is for, and every scope by role."""
    about = "".join(f"| `{role}` | {entry.about} |\n" for role, entry in load_roles().items())
    rows = "".join(
        f"| `{scope}` | {' | '.join('x' if scope in scopes_of(r) else ' ' for r in ROLES)} |\n"
        for scope in SCOPES
    )
    return (
        f"| Role | For |\n|---|---|\n{about}\n"
        f"| Scope | {' | '.join(ROLES)} |\n|---|{'---|' * len(ROLES)}\n{rows}"
    )


def page() -> str:
    """Return the page with its tables as they should be."""
    text = PAGE.read_text()
    head, _, rest = text.partition(BEGIN)
    return head + BEGIN + tables() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page())
