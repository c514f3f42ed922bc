"""Two systems must not share one folder of data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.local import run

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_system_on_the_same_data_is_refused_by_name(tmp_path: Path) -> None:
    first = run._only_one(tmp_path)

    with pytest.raises(run.AlreadyRunningError, match=str(tmp_path)):
        run._only_one(tmp_path)

    first.close()
    run._only_one(tmp_path).close()
