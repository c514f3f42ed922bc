"""Any answer is a snapshot; no answer is a failure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from automations.library.page_snapshot import PageSnapshot, SnapshotParams
from webgraph.errors import FailureKind
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from tests.automations.library.conftest import Run
    from tests.support.site import PracticeSite


@pytest.mark.browser
def test_a_page_is_kept_with_its_title_and_where_redirects_led(run: Run, practice_site: PracticeSite):
    result, memory = run(PageSnapshot, url=f"{practice_site.url}/dashboard")

    assert result.result == {
        "title": "Sign in · Fernhill Supply",
        "final_url": f"{practice_site.url}/sign-in?next=/dashboard",
        "status": 200,
    }
    kinds = {item.kind for item in memory.files}
    assert kinds >= {ArtifactKind.STEP_PICTURE, ArtifactKind.STEP_HTML, ArtifactKind.REQUEST_LOG}


@pytest.mark.browser
@pytest.mark.parametrize(("path", "status"), [("/nowhere", 404), ("/sign-in?fault=503", 503)])
def test_an_error_page_is_a_snapshot_too(run: Run, practice_site: PracticeSite, path: str, status: int):
    result, _ = run(PageSnapshot, url=f"{practice_site.url}{path}")

    assert result.failure is None
    assert result.result is not None
    assert result.result["status"] == status


@pytest.mark.browser
def test_no_answer_at_all_is_a_navigation_failure(run: Run, practice_site: PracticeSite):
    practice_site.stop()

    result, _ = run(PageSnapshot, url=f"{practice_site.url}/sign-in")

    assert result.failure is not None
    assert result.failure.kind is FailureKind.NAVIGATION


def test_an_address_that_holds_a_password_is_refused():
    with pytest.raises(ValidationError, match="must not hold a user name or a password"):
        SnapshotParams.model_validate({"url": "https://anna:secret@example.com/"})


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "example.com", ""])
def test_only_web_addresses_are_taken(url: str):
    with pytest.raises(ValidationError):
        SnapshotParams.model_validate({"url": url})
