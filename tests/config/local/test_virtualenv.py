"""Requirements are installed again exactly when their file changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from config.local import virtualenv

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def installs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The commands that would have been run."""
    commands: list[list[str]] = []
    monkeypatch.setattr(virtualenv, "ROOT", tmp_path)
    monkeypatch.setattr(virtualenv, "_INSTALLED", tmp_path / "installed.json")
    monkeypatch.setattr(virtualenv, "run", commands.append)
    (tmp_path / "requirements.txt").write_text("django==5.2 \\\n    --hash=sha256:00\n")
    return commands


def test_an_unchanged_file_is_installed_once(installs: list[list[str]]) -> None:
    assert virtualenv.install("requirements.txt") == "1 packages"
    assert virtualenv.install("requirements.txt") == "unchanged"
    assert len(installs) == 1
    assert "--require-hashes" in installs[0]


def test_a_changed_file_is_installed_again(installs: list[list[str]], tmp_path: Path) -> None:
    virtualenv.install("requirements.txt")
    (tmp_path / "requirements.txt").write_text("django==5.3 \\\n    --hash=sha256:11\n")
    virtualenv.install("requirements.txt")

    assert len(installs) == 2


def test_a_failed_installation_is_tried_again(
    installs: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_command: list[str]) -> str:
        raise virtualenv.SetupError("no network")

    with monkeypatch.context() as patch:
        patch.setattr(virtualenv, "run", fail)
        with pytest.raises(virtualenv.SetupError):
            virtualenv.install("requirements.txt")
    virtualenv.install("requirements.txt")

    assert len(installs) == 1


def test_a_failed_command_ends_with_its_last_lines() -> None:
    with pytest.raises(virtualenv.SetupError, match="broken wheel"):
        virtualenv.run([str(virtualenv.PYTHON), "-c", "exit('broken wheel')"])
