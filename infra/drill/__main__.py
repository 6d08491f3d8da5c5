"""`python -m infra.drill`: the whole drill in a directory of its own, which is gone afterwards."""

import sys
import tempfile
from pathlib import Path

from infra.drill.product import DrillError
from infra.drill.steps import run


def main() -> int:
    """Run the drill; return 0 when everything came back."""
    with tempfile.TemporaryDirectory(prefix="rapport-drill-") as place:
        try:
            run(Path(place), lambda text: print(text, flush=True))
        except DrillError as error:
            sys.stderr.write(f"drill: {error}\n")
            return 1
    print("nothing that was accepted is lost")
    return 0


if __name__ == "__main__":
    sys.exit(main())
