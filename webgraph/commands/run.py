"""`python -m webgraph run`: one attempt, its evidence in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from infra_shared.leaks import LeakScan
from infra_shared.redaction import Redactor
from infra_shared.totp import SeedError, without_seeds
from webgraph.checkpoint_file import CheckpointFile, UnfinishedCommitError
from webgraph.code_file import FileCodes
from webgraph.commands import browsing, sessions
from webgraph.commands.loading import UsageError, automation_named, files, say, secrets
from webgraph.folder_recorder import FolderRecorder
from webgraph.learned import heals_in_words, read_fingerprints, write_fingerprints
from webgraph.outcome import AttemptSpec, Outcome
from webgraph.recorder import EvidenceLevel, Question
from webgraph.runner import run_attempt
from webgraph.secret_values import secret_names

if TYPE_CHECKING:
    import argparse

    from webgraph.browser.host import BrowserHost
    from webgraph.checkpoint import Checkpoint
    from webgraph.outcome import AttemptResult
    from webgraph.recorder import StepOutcome
    from webgraph.session_desk import CacheDesk


def add_to(commands: Any) -> None:
    """Let the command line know it."""
    parser = commands.add_parser("run", help="run one automation and keep its evidence in a folder")
    parser.set_defaults(do=run)
    browsing.add_to(parser)
    parser.add_argument("--out", type=Path, required=True, help="a new folder for evidence, steps and result")
    parser.add_argument(
        "--fingerprints",
        type=Path,
        metavar="FILE",
        help="check controls against what is known of them there, and keep what a success learns",
    )
    parser.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep there what another run needs to go on after this one, cookies included, and go on after what is there",
    )
    parser.add_argument(
        "--spent-codes",
        type=Path,
        default=Path("~/.local/state/webgraph/spent-codes.json"),
        metavar="FILE",
        help="which one-time codes (of a credential's field totp_seed) were used, so that none is used twice",
    )
    sessions.add_to(parser)
    parser.add_argument("--evidence", choices=[level.value for level in EvidenceLevel])


def run(given: argparse.Namespace) -> int:
    """Exit code 0 when the automation succeeded."""
    automation, _ = automation_named(given.automation)
    params = browsing.params(given, automation)
    given_secrets, codes = _secrets(given)
    known = _known(given.fingerprints)
    secret = secret_names(automation.Params.model_json_schema())
    # Another secret is the same job; and a digest of a short one would tell it to whoever tries them all.
    asked = [automation.key, {name: value for name, value in params.items() if name not in secret}]
    kept = CheckpointFile(given.checkpoint, asked=asked) if given.checkpoint is not None else None
    redactor = Redactor(())
    desk = sessions.desk(given, automation, params)
    spec = AttemptSpec(
        automation=automation,
        session=desk,
        redactor=redactor,
        params=params,
        files=files(automation, params),
        secrets=given_secrets,
        codes=codes,
        evidence=EvidenceLevel(given.evidence) if given.evidence else None,
        address_policy=browsing.policy(given),
        vision=browsing.vision(given),
        fingerprints=known,
        resume_from=_left(kept, given.checkpoint),
    )
    recorder = FolderRecorder(_unused(given.out), say, kept, scan=LeakScan(redactor))
    result = _attempt(spec, recorder, browsing.host(given), desk)
    recorder.finish(result)
    if result.outcome is Outcome.SUCCEEDED:
        _learn(given.fingerprints, known, recorder.outcomes)
        if kept is not None:
            kept.remove()
    say(_last_line(result, given.out))
    return 0 if result.outcome is Outcome.SUCCEEDED else 1


def _attempt(
    spec: AttemptSpec, recorder: FolderRecorder, host: BrowserHost, desk: CacheDesk | None
) -> AttemptResult:
    """Make the attempt; one that shares a session begins when nobody else signs in to it."""
    declared = spec.automation.session
    try:
        if desk is None or declared is None:
            return run_attempt(spec, recorder, host)
        sessions.wait_for_turn(desk, up_to=spec.automation.deadline)
        result = run_attempt(spec, recorder, host, on_beat=desk.beat)
        sessions.close(desk, declared.login, result)
        return result
    finally:
        host.close()


def _secrets(given: argparse.Namespace) -> tuple[dict[str, dict[str, str]], FileCodes]:
    """The credentials, and who makes the codes of those that have a seed."""
    try:
        rest, seeds = without_seeds(secrets(given.secret))
    except SeedError as error:
        msg = f"--secret: {error}"
        raise UsageError(msg) from error
    return rest, FileCodes(seeds, given.spent_codes.expanduser())


def _known(path: Path | None) -> dict[str, Any]:
    try:
        return read_fingerprints(path) if path is not None else {}
    except (OSError, ValueError) as error:
        msg = f"--fingerprints {path} cannot be read: {error}. Name another file, or remove it to learn anew."
        raise UsageError(msg) from error


def _left(kept: CheckpointFile | None, path: Path) -> Checkpoint | None:
    try:
        return kept.read() if kept is not None else None
    except UnfinishedCommitError as error:
        msg = (
            f"The stage “{error}” counts once, was begun, and nobody saw its end. Look at the site; when it did not "
            f"happen, remove {path} to begin anew."
        )
        raise UsageError(msg) from error
    except (OSError, ValueError, TypeError) as error:
        msg = f"--checkpoint {path} cannot be read: {error}. Name another file, or remove it to begin anew."
        raise UsageError(msg) from error


def _learn(path: Path | None, known: dict[str, Any], outcomes: list[StepOutcome]) -> None:
    """Keep what a success teaches, and say which targets were found another way than they are written."""
    if path is not None:
        write_fingerprints(path, known, outcomes)
    heals = heals_in_words(outcomes)
    if heals:
        say("Found another way than written; so the quickest way would find them again:")
    for line in heals:
        say(f"  {line}")


def _unused(folder: Path) -> Path:
    """The folder, when nothing is in it yet: evidence of two runs must not mix, nor one's be overwritten."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        msg = f"--out {folder} is not empty, perhaps from an earlier run. Name another folder, or remove it."
        raise UsageError(msg)
    return folder


def _last_line(result: AttemptResult, out: Path) -> str:
    if isinstance(result.parked, Question):
        return f"{result.outcome}: it asks “{result.parked.prompt}”, which needs the server. Evidence: {out}"
    if result.failure is not None:
        return f"{result.outcome} ({result.failure.kind}): {result.failure.message} Evidence: {out}"
    return f"{result.outcome} in {result.steps} steps. Evidence: {out}"
