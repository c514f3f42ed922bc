"""The command: what it prints and ends with, and that nothing holds it up or makes it tell a secret."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from config.env import BASE_DIR
from config.local.environment import new_keys, without_settings
from config.local.processes import free_port
from infra_shared import checkup
from infra_shared.checkup import Check, Finding, Level, bad, good, register
from infra_shared.services.examining import examine

SECRETS = {
    "database": "canary-database-93ab",
    "mail": "canary-mail-51cd",
    "key": "CANARYACCESS77EF",
    "secret": "canary-s3-secret-20aa",
}
EVERY_CHECK = {
    "settings",
    "database",
    "migrations",
    "clock",
    "storage",
    "disk",
    "mail",
    "retry",
    "browser",
    "nodes",
    "chores",
    "edge",
}


def doctor(*arguments: str, **settings: str) -> tuple[int, str]:
    """What the command ends with and prints, run as a person does."""
    environment = {**without_settings(), "ENV_FILE": "", **new_keys(), **settings}
    done = subprocess.run(
        [sys.executable, "manage.py", "doctor", *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_where_everything_is_away_doctor_says_so_of_each_and_tells_no_secret(tmp_path) -> None:
    port = free_port()  # nobody listens there
    settings = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": f"postgres://anna:{SECRETS['database']}@127.0.0.1:{port}/main",
        "EMAIL_URL": f"smtp://anna:{SECRETS['mail']}@127.0.0.1:{port}",
        "ARTIFACTS_S3_BUCKET": "evidence",
        "ARTIFACTS_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "ARTIFACTS_S3_ACCESS_KEY": SECRETS["key"],
        "ARTIFACTS_S3_SECRET_KEY": SECRETS["secret"],
    }

    code, printed = doctor("--json", "--skip", "browser", **settings)

    findings = json.loads(printed)["findings"]
    levels = {item["check"]: item["level"] for item in findings}
    assert code == 1
    assert set(levels) == EVERY_CHECK - {"browser"}
    assert (levels["database"], levels["storage"], levels["mail"]) == ("fail", "fail", "fail")
    assert all(item["advice"] for item in findings if item["level"] != "ok")
    assert [item["words"] for item in findings if item["check"] == "nodes"] == [
        "Not looked at: first mend database and migrations."
    ]
    assert not [name for name, secret in SECRETS.items() if secret in printed]


def test_every_setting_that_is_wrong_is_named_at_once() -> None:
    code, printed = doctor(FIELD_ENCRYPTION_KEYS="", SECRET_KEY="", WORKER_PROCESSES="many")

    assert code == 1
    assert [line.split()[2] for line in printed.splitlines() if line.startswith("fail  settings")] == [
        "SECRET_KEY",
        "FIELD_ENCRYPTION_KEYS",
        "WORKER_PROCESSES",
    ]


def test_settings_that_stop_the_server_only_together_are_told_the_same_way() -> None:
    code, printed = doctor("--json", DATABASE_URL="mysql://here/main")

    (finding,) = json.loads(printed)["findings"]
    assert code == 1
    assert finding["words"].startswith("DATABASE_URL must begin with postgres://")


def test_a_check_there_is_not_is_a_mistake_of_who_asks() -> None:
    with pytest.raises(CommandError, match="There is no check 'moon'") as refused:
        call_command("doctor", only=["moon"])

    assert refused.value.returncode == 2


def test_one_check_can_be_asked_for_and_is_one_line() -> None:
    out = StringIO()

    call_command("doctor", only=["retry"], stdout=out)

    assert out.getvalue().startswith("ok    retry ")
    assert out.getvalue().count("\n") == 1


def test_a_line_ends_with_what_to_do(settings, tmp_path) -> None:
    settings.DATA_DIR = tmp_path / "file" / "data"
    (tmp_path / "file").write_text("no folder")
    out = StringIO()

    with pytest.raises(SystemExit) as ended:
        call_command("doctor", only=["disk"], stdout=out)

    line = next(line for line in out.getvalue().splitlines() if line.startswith("fail  disk "))
    assert ended.value.code == 1
    assert line.endswith("  Make it, and let it belong to the user the server runs as.")


def test_what_is_only_odd_is_told_and_ends_with_0() -> None:
    out = StringIO()

    call_command("doctor", only=["mail"], stdout=out)

    assert out.getvalue().startswith("warn  mail ")


def test_what_hangs_or_breaks_is_told_in_time_and_the_rest_is_looked_at() -> None:
    never = threading.Event()

    def breaks() -> list[Finding]:
        raise RuntimeError("one line\nand another")

    def hangs() -> list[Finding]:
        never.wait()
        return []

    chosen = [
        Check(name="hangs", look=hangs, advice="Wait.", order=1, seconds=0.05),
        Check(name="breaks", look=breaks, advice="Mend.", order=2),
        Check(name="well", look=lambda: [good("All is well.")], advice="", order=3),
    ]

    hung, broken, well = examine(chosen)
    never.set()

    assert hung.findings == (bad("It did not end within 0.05 seconds.", "Wait."),)
    assert broken.findings == (bad("RuntimeError: one line and another", "Mend."),)
    assert well.findings[0].level is Level.OK


def test_a_check_has_its_name_for_itself(monkeypatch) -> None:
    monkeypatch.setattr(checkup, "_checks", {})
    check = Check(name="same", look=list, advice="", order=1)
    register(check)

    with pytest.raises(ValueError, match="same"):
        register(check)
