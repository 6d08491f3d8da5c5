"""A bench that is stopped from outside takes its product along."""

import os
import sys
from pathlib import Path

import pytest

import infra.product
from infra.bench.product import ProductError, running


def test_the_product_of_a_bench_is_of_its_process_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, said = tmp_path / "rapport", tmp_path / "group"
    command.write_text(
        f"#!{sys.executable}\nimport os, pathlib\n"
        f"pathlib.Path({str(said)!r}).write_text(str(os.getpgrp()))\n"
    )
    command.chmod(0o700)
    monkeypatch.setattr(infra.product, "COMMAND", command)
    with pytest.raises(ProductError, match="it ended"), running(tmp_path / "data", {}):
        pass
    assert int(said.read_text()) == os.getpgrp()
