"""A run as one file: exported whole and without secrets, imported elsewhere as it was, refused where it is hostile."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import CommandError, call_command

from automations.models import Automation, AutomationVersion, Customer
from infra_shared.blobs.django_store import artifact_store
from infra_shared.database import database_now
from infra_shared.models import AuditLine
from infra_shared.services.blobs import remember_blob
from runs.errors import BundleRefusedError, UnknownAutomationError, UnknownCustomerError
from runs.models import Artifact, HourFigures, Question, Run, RunImport, StorageDay
from runs.services.bundle_import import import_run
from runs.services.cancelling import cancel_run
from runs.services.requests import Origin
from runs.services.reruns import rerun
from runs.services.storage_use import bytes_now, recount
from runs.states import Cause
from tests.support.elsewhere import Elsewhere
from webgraph.recorder import ArtifactKind

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from django.test import Client

    from config.local.postgres import PostgresServer
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db(transaction=True)
HERE_ONLY = ("cause", "cause_ref", "requested_by")
RESOLVED = ("resolved_at", "resolved_by", "resolution_note")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a run is exported to."""
    return tmp_path / "run.zip"


def export(run: Run, file: Path) -> dict[str, Any]:
    """Export a run and return what its file says of it."""
    call_command("runs", "export", str(run.pk), str(file), stdout=io.StringIO())
    with zipfile.ZipFile(file) as archive:
        found: dict[str, Any] = json.loads(archive.read("bundle.json"))
    return found


def forget(run: Run) -> None:
    """Make this an installation that never knew the run, nor what it ran."""
    Run.objects.filter(pk=run.pk).update(result_artifact=None)
    Run.objects.filter(pk=run.pk).delete()
    Automation.objects.update(latest_version=None)
    AutomationVersion.objects.all().delete()
    Automation.objects.all().delete()


def bring(file: Path, **options: Any) -> Run:
    """Import a file."""
    return import_run(path=file, actor="command", **options).run


def changed(file: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The same file with another document in it."""
    other = file.with_name("changed.zip")
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(other, "w") as target:
        for entry in source.infolist():
            body = source.read(entry)
            if entry.filename == "bundle.json":
                document = json.loads(body)
                change(document)
                body = json.dumps(document).encode()
            target.writestr(entry.filename, body)
    return other


def lasting(bundle: dict[str, Any]) -> dict[str, Any]:
    """What must be the same wherever the run is looked at."""
    run = {name: value for name, value in bundle["run"].items() if name not in HERE_ONLY}
    run["facts"] = {name: value for name, value in run["facts"].items() if name not in RESOLVED}
    names = ("attempts", "transitions", "questions", "artifacts", "customer")
    return {"run": run, **{name: bundle[name] for name in names}}


@pytest.mark.parametrize("end", ["succeeded", "failed"])
def test_an_imported_run_is_the_exported_one_and_its_page_shows_it(
    end: str, runs_factory: RunsFactory, file: Path, console: Client
) -> None:
    run = getattr(runs_factory, end)()
    there = export(run, file)
    forget(run)

    came = bring(file)
    page = console.get(f"/admin/runs/run/{came.pk}/change/")

    assert came.pk == run.pk
    assert lasting(export(came, file)) == lasting(there)
    assert page.status_code == 200
    assert "Download “Download CSV”" in page.content.decode()
    assert "It ran as shop-invoices v1 for main, asked by anna." in page.content.decode()
    assert "&quot;automation&quot;: &quot;shop-invoices&quot;" in page.content.decode()  # as an API call


def test_an_imported_run_counts_nowhere_and_needs_nobody(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.failed()
    export(run, file)
    forget(run)
    HourFigures.objects.all().delete()

    came = bring(file)

    assert not Run.objects.open_failures().filter(pk=came.pk).exists()
    assert not HourFigures.objects.exists()
    assert AuditLine.objects.get(action="run.import").object_id == str(came.pk)


def test_what_an_imported_run_brought_counts_for_its_customers_quota(
    runs_factory: RunsFactory, file: Path
) -> None:
    run = runs_factory.succeeded()
    recount(now=database_now())
    used = bytes_now()
    export(run, file)
    forget(run)
    StorageDay.objects.update(kept_bytes=0, kept_files=0)

    bring(file)

    assert bytes_now() == used


def test_the_same_file_again_is_the_same_run(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.succeeded()
    export(run, file)

    at_home = import_run(path=file, actor="command")
    forget(run)
    first, second = (import_run(path=file, actor="command") for _ in range(2))

    assert (at_home.run, at_home.created) == (run, False)
    assert (first.created, second.created, second.run) == (True, False, first.run)
    assert RunImport.objects.count() == 1


def test_an_id_that_is_taken_gives_a_new_one_that_stays(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.succeeded()
    export(run, file)
    other = changed(file, lambda document: document.update(automation="another-shop"))

    came = import_run(path=other, actor="command")

    assert came.run.pk != run.pk
    assert came.run.artifacts.count() == run.artifacts.count()
    assert import_run(path=other, actor="command").run == came.run


def test_a_run_of_the_default_customer_comes_where_no_node_has_made_it_yet(
    runs_factory: RunsFactory, file: Path
) -> None:
    run = runs_factory.succeeded()
    export(run, file)
    forget(run)
    Customer.objects.all().delete()

    assert bring(file).customer.key == "main"


def test_it_becomes_the_run_of_the_customer_that_is_named(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.succeeded()
    Customer.objects.filter(key="main").update(key="acme-south")
    export(run, file)
    forget(run)
    Customer.objects.all().delete()
    Customer.objects.create(key="acme-north")

    with pytest.raises(UnknownCustomerError, match=r"--customer, or make this one: .* create .acme-south"):
        bring(file)

    assert bring(file, customer="acme-north").customer.key == "acme-north"


def test_a_rerun_of_what_is_not_installed_here_is_refused_with_the_reason(
    runs_factory: RunsFactory, file: Path
) -> None:
    run = runs_factory.succeeded()
    export(run, file)
    forget(run)
    came = bring(file)
    origin = Origin(cause=Cause.OPERATOR, actor="operator:anna")

    with pytest.raises(
        UnknownAutomationError, match="version 1 of the automation shop-invoices is not installed"
    ):
        rerun(run=came, origin=origin)

    assert not came.automation.is_runnable


def test_a_run_whose_version_is_here_belongs_to_it_and_can_be_rerun(
    runs_factory: RunsFactory, file: Path
) -> None:
    run = runs_factory.succeeded()
    export(run, file)
    Run.objects.filter(pk=run.pk).update(result_artifact=None)
    Run.objects.filter(pk=run.pk).delete()

    came = bring(file)

    assert came.version == runs_factory.version
    assert rerun(run=came, origin=Origin(cause=Cause.OPERATOR, actor="operator:anna")).created


def test_canary_no_answer_and_no_quarantined_byte_is_in_the_file(
    runs_factory: RunsFactory, file: Path
) -> None:
    canary = "K7-CANARY-91356"
    run = runs_factory.asking()
    cancel_run(run=run, actor="operator:anna", reason="")
    Question.objects.filter(run=run).update(answer={"code": canary})
    sealed = remember_blob(artifact_store().put(canary.encode(), text=False))
    kept = Artifact.objects.filter(run=run).latest("pk")
    Artifact.objects.filter(pk=kept.pk).update(
        blob=None,
        sealed_blob=sealed,
        missing_reason="Quarantined.",
        quarantined_at=kept.captured_at,
        quarantine_reason="It holds a password.",
    )

    document = export(Run.objects.get(pk=run.pk), file)

    with zipfile.ZipFile(file) as archive:
        assert not any(canary.encode() in archive.read(name) for name in archive.namelist())
    assert "Answers as they were given" in document["left_out"][0]
    assert document["left_out"][-1].endswith("It holds a password.")


def test_bytes_that_are_not_in_the_file_are_named_as_missing(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.succeeded()
    lost = Artifact.objects.filter(run=run, kind=ArtifactKind.STEP_PICTURE).select_related("blob").first()
    assert lost is not None
    assert lost.blob is not None
    artifact_store().delete(lost.blob)
    export(run, file)
    forget(run)

    came = bring(file)

    assert "not in the file" in Artifact.objects.get(run=came, pk=lost.pk).missing_reason


def test_a_run_that_might_have_waited_beyond_the_last_moment_comes_back(
    runs_factory: RunsFactory, file: Path
) -> None:
    run = runs_factory.succeeded()
    beyond = datetime(2100, 1, 5, tzinfo=UTC)
    Run.objects.filter(pk=run.pk).update(expires_at=beyond)
    export(run, file)
    forget(run)

    assert bring(file).expires_at == beyond


def test_only_a_run_that_has_ended_is_exported(runs_factory: RunsFactory, file: Path) -> None:
    with pytest.raises(CommandError, match="has not ended"):
        export(runs_factory.running(), file)

    assert not file.exists()


HOSTILE: dict[str, Callable[[dict[str, Any]], object]] = {
    "still running": lambda d: d["run"]["facts"].update(state="running"),
    "attempt still open": lambda d: d["attempts"][0]["facts"].update(state="queued"),
    "unknown state": lambda d: d["run"]["facts"].update(state="won"),
    "unknown kind of file": lambda d: d["artifacts"][0]["facts"].update(kind="script"),
    "text too long": lambda d: d["run"]["facts"].update(queue="q" * 70),
    "number too large": lambda d: d["attempts"][0]["facts"].update(priority=10**30),
    "before the calendar": lambda d: d["attempts"][0]["facts"].update(due_at="0001-01-01T00:00:00+14:00"),
    "from the future": lambda d: d["run"]["facts"].update(created_at="2999-01-01T00:00:00Z"),
    "other version of the format": lambda d: d.update(version=2),
    "field nobody knows": lambda d: d["run"].update(evil="yes"),
    "two steps of one number": lambda d: d["attempts"][0]["steps"].append(d["attempts"][0]["steps"][0]),
    "file of a step that is not there": lambda d: d["artifacts"][0].update(step=999),
    "bytes other than said": lambda d: d["artifacts"][0].update(digest="0" * 64),
    "size other than said": lambda d: d["artifacts"][0]["facts"].update(size_bytes=3),
    "success with a failure": lambda d: d["run"]["facts"].update(failure_kind="bug"),
    "missing and stored": lambda d: d["artifacts"][0]["facts"].update(missing_reason="gone"),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_hostile_documents_are_refused_and_leave_no_row(
    what: str, runs_factory: RunsFactory, file: Path
) -> None:
    run = runs_factory.succeeded()
    export(run, file)
    forget(run)

    with pytest.raises(BundleRefusedError):
        bring(changed(file, HOSTILE[what]))

    assert not Run.objects.exists()
    assert not Automation.objects.exists()


def test_hostile_sizes_are_refused_before_they_are_unpacked(runs_factory: RunsFactory, file: Path) -> None:
    claim = runs_factory.claimed()
    runs_factory.keep(claim, ArtifactKind.DOWNLOAD, "text/plain", bytes(50_000_000))
    runs_factory.finish(claim)
    run = Run.objects.get(pk=claim.attempt.run_id)
    export(run, file)
    forget(run)
    assert file.stat().st_size < 5_000_000

    with pytest.raises(BundleRefusedError, match="--max-bytes"):
        bring(file, most_bytes=20_000_000)


def test_hostile_digests_give_nobody_the_bytes_of_others(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.succeeded()
    export(run, file)
    forget(run)
    theirs = remember_blob(artifact_store().put(b"of another customer", text=False))

    with pytest.raises(BundleRefusedError, match="is not the file"):
        bring(changed(file, lambda document: document["artifacts"][0].update(digest=theirs.digest)))


def test_hostile_ids_never_stand_before_runs_of_today(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.succeeded()
    export(run, file)
    forget(run)
    last = "ffffffff-ffff-7fff-bfff-ffffffffffff"

    came = bring(changed(file, lambda document: document["run"].update(id=last)))

    assert str(came.pk) != last
    assert RunImport.objects.get(run=came).origin.hex == last.replace("-", "")


def test_hostile_versions_never_stand_for_true_ones(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.succeeded()
    export(run, file)
    forget(run)

    came = bring(file)

    assert came.version.digest != runs_factory.version.digest
    assert came.version.source == ""
    assert came.automation.key == "shop-invoices-imported"


def test_zero_bytes_in_texts_are_taken_on_either_database(runs_factory: RunsFactory, file: Path) -> None:
    run = runs_factory.failed()
    export(run, file)
    forget(run)

    came = bring(changed(file, lambda document: document["run"]["facts"].update(state_reason="It said \0.")))

    assert came.state_reason == "It said \N{REPLACEMENT CHARACTER}."


@pytest.mark.slow
@pytest.mark.sqlite
@pytest.mark.timeout(300)
def test_a_run_exported_on_sqlite_is_shown_the_same_on_postgresql(
    runs_factory: RunsFactory, file: Path, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    run = runs_factory.succeeded()
    picture = Artifact.objects.filter(run=run, kind=ArtifactKind.STEP_PICTURE).latest("pk")
    there = export(run, file)
    elsewhere = Elsewhere(tmp_path / "elsewhere", postgres_server.create_database("elsewhere"))
    assert elsewhere.manage("migrate").returncode == 0
    make = "from automations.models import Customer; Customer.objects.create(key='acme-north')"
    assert elsewhere.manage("shell", "-c", make).returncode == 0

    first = elsewhere.told("runs", "import", file, "--customer", "acme-north")
    again = elsewhere.told("runs", "import", file, "--customer", "acme-north")
    elsewhere.told("runs", "export", run.pk, tmp_path / "again.zip")
    page, bytes_path = f"/admin/runs/run/{run.pk}/change/", f"/admin/artifacts/{picture.pk}/"
    seen = elsewhere.look(page, bytes_path)

    assert (first["created"], again) == (True, {**first, "created": False, "files": 0})
    with zipfile.ZipFile(tmp_path / "again.zip") as archive:
        came = json.loads(archive.read("bundle.json"))
    assert lasting({**came, "customer": "main"}) == lasting(there)
    assert seen[page]["status"] == 200
    assert "INV-39" in seen[page]["text"] or "INV-0" in seen[page]["text"]
    assert seen[bytes_path]["sha256"] == picture.blob_id
