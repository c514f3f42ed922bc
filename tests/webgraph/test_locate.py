"""The browser that is located was seen to work; everything else is passed over."""

from __future__ import annotations

from pathlib import Path

import pytest

from webgraph.browser import locate as module
from webgraph.browser.locate import BrowserNotFoundError, locate

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def _no_proof_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def program(path: Path, script: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def test_a_stub_earlier_in_the_order_is_passed_over(
    browser_executable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bin"
    program(folder / "chromium-headless-shell", "echo 'Command requires the chromium snap.'; exit 1")
    working = program(folder / "google-chrome", f'exec {browser_executable} "$@"')
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setattr(module, "SYSTEM_NAMES", ("chromium-headless-shell", "google-chrome"))

    assert locate() == str(working)


def test_an_explicit_browser_that_does_not_render_is_refused_by_name(tmp_path: Path) -> None:
    stub = program(tmp_path / "stub", "exit 0")

    with pytest.raises(BrowserNotFoundError, match=r"BROWSER_EXECUTABLE is .*stub") as refusal:
        locate(str(stub))

    assert "\n" not in str(refusal.value)
    assert refusal.value.permanent


def test_a_browser_that_hangs_is_ended_and_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PROOF_SECONDS", 0.5)
    hanging = program(tmp_path / "hanging", f"echo $$ > {tmp_path / 'pid'}; sleep 300")

    with pytest.raises(BrowserNotFoundError):
        locate(str(hanging))

    assert not (Path("/proc") / (tmp_path / "pid").read_text().strip()).exists()


def test_a_proof_is_remembered_until_the_file_changes(browser_executable: str, tmp_path: Path) -> None:
    counted = f'echo >> {tmp_path / "starts"}; exec {browser_executable} "$@"'
    browser = program(tmp_path / "browser", counted)

    locate(str(browser))
    locate(str(browser))
    program(browser, f"{counted}\n# a new release")
    locate(str(browser))

    assert len((tmp_path / "starts").read_text().splitlines()) == 2


def test_playwrights_own_download_is_found_newest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    for folder in ("chromium_headless_shell-999", "chromium_headless_shell-1234", "chromium-2000"):
        shell = "headless_shell" if "shell" in folder else "chrome"
        program(tmp_path / folder / "chrome-linux" / shell, "exit 0")

    revisions = [module._revision(Path(path)) for path in module._playwright_downloads()]

    assert revisions == [1234, 999, 2000]
