"""Log lines: one JSON object each, with the bound fields, and without secrets."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
import structlog
from django.conf import settings as django_settings

from infra_shared.logging import configure_from_settings, configure_logging, hiding_in_logs
from infra_shared.redaction import MASK, Redactor
from infra_shared.scrubbing import scrub, scrub_text


@pytest.fixture
def lines():
    """What is logged, as JSON objects; the suite's own configuration comes back afterwards."""
    configure_logging(level="INFO", json=True)
    handler = next(one for one in logging.getLogger().handlers if type(one) is logging.StreamHandler)
    written = StringIO()
    handler.setStream(written)
    yield lambda: [json.loads(line) for line in written.getvalue().splitlines()]
    configure_from_settings(django_settings.LOGGING)


def test_a_line_is_a_json_object_with_the_event_its_fields_and_what_is_bound(lines):
    with structlog.contextvars.bound_contextvars(run_id="r1", attempt=2):
        structlog.get_logger("runs").info("attempt_claimed", worker="w1")

    [line] = lines()
    assert line["event"] == "attempt_claimed"
    assert (line["run_id"], line["attempt"], line["worker"]) == ("r1", 2, "w1")
    assert (line["level"], line["logger"]) == ("info", "runs")
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("name", ["django.request", "django.server", "uvicorn.access", "django-q"])
def test_lines_of_libraries_take_the_same_way_out_and_only_once(lines, name, monkeypatch):
    logger = logging.getLogger(name)
    # A server that another test started here may have silenced its loggers.
    monkeypatch.setattr(logger, "propagate", True)
    monkeypatch.setattr(logger, "isEnabledFor", lambda _level: True)
    logger.warning("GET /x?token=%s", "abcdef")

    [line] = lines()
    assert line["logger"] == name
    assert line["event"] == f"GET /x?token={MASK}"


def test_secrets_are_masked_by_the_name_of_the_field_and_by_their_shape(lines):
    structlog.get_logger().warning(
        "sign_in_failed",
        password="p1",
        data={"api_key": "k1", "Cookie": "c1", "user": "anna"},
        url="postgres://anna:hunt@er2@db/x",
    )

    [line] = lines()
    assert line["password"] == MASK
    assert line["data"] == {"api_key": MASK, "Cookie": MASK, "user": "anna"}
    assert line["url"] == f"postgres://anna:{MASK}@db/x"


def test_tracebacks_are_scrubbed_too(lines):
    error = ValueError("Authorization: Bearer abcdefghijklmnopqrst")

    structlog.get_logger().error("request_failed", exc_info=error)

    [line] = lines()
    assert "ValueError" in line["exception"]
    assert "abcdefghijklmnopqrst" not in json.dumps(line)


def test_errors_that_nobody_catches_are_lines_too_and_scrubbed():
    code = (
        "import threading; from infra_shared.logging import configure_logging\n"
        "def breaks(): raise ValueError('postgres://anna:hunter2@db/x')\n"
        "configure_logging(level='INFO', json=True)\n"
        "thread = threading.Thread(target=breaks, name='keeper'); thread.start(); thread.join(); breaks()"
    )

    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )

    in_thread, last = [json.loads(line) for line in done.stderr.splitlines()]
    assert done.returncode == 1
    assert (in_thread["event"], in_thread["thread"]) == ("uncaught_error", "keeper")
    assert f"ValueError: postgres://anna:{MASK}@db/x" in last["exception"]
    assert "hunter2" not in done.stderr


def test_known_secrets_are_hidden_for_as_long_as_the_block_runs(lines):
    with hiding_in_logs(Redactor(["s3cret"])):
        logging.getLogger("playwright").warning("typed s3cret")
    logging.getLogger("playwright").warning("typed s3cret")

    assert [line["event"] for line in lines()] == [f"typed {MASK}", "typed s3cret"]


def test_the_readable_form_is_scrubbed_as_well(lines, capsys):
    configure_logging(level="INFO", json=False)

    structlog.get_logger("readable").info("signed_in", token="t0k3n", user="anna")

    written = capsys.readouterr().err
    assert "signed_in" in written
    assert "anna" in written
    assert "t0k3n" not in written


def test_an_api_key_in_a_text_is_recognised_by_its_shape():
    key = "ao_AbCd1234_" + "x" * 49

    assert scrub_text(f"got {key} here") == f"got ao_AbCd1234_{MASK} here"
    assert scrub(["plain", 5, None, {"n": True}]) == ["plain", 5, None, {"n": True}]
