"""`make audit`: what it makes of the registries' answers, and that no answer is never taken for a good one."""

from __future__ import annotations

import json

import pytest

from config.local.audit import _PIP_AUDIT, CLEAN, UNKNOWN, WEAK, Verdict, _ask, judge_npm, judge_pip, report

GOOD = {"name": "django", "version": "5.2.19", "vulns": []}
BAD = {"name": "old", "version": "1.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}]}


def test_each_weakness_is_named_with_the_version_that_mends_it() -> None:
    verdict = judge_pip(json.dumps({"dependencies": [GOOD, BAD]}), "")

    assert verdict == Verdict(("old 1.0: PYSEC-1, mended in 1.1",))


def test_a_package_that_was_skipped_counts_as_not_asked() -> None:
    skipped = {"name": "strange", "skip_reason": "not on the index"}

    assert judge_pip(json.dumps({"dependencies": [GOOD, skipped]}), "").unasked == (
        "1 packages, such as strange: not on the index"
    )


def test_what_npm_found_is_named() -> None:
    answer = {"vulnerabilities": {"left-pad": {"severity": "high", "range": "<1.3"}}}

    assert judge_npm(json.dumps(answer), "").weaknesses == ("left-pad: high, <1.3",)


@pytest.mark.parametrize("judge", [judge_pip, judge_npm])
@pytest.mark.parametrize("printed", ["", "not json", "[]", '{"error": {"summary": ""}}'])
def test_an_answer_that_is_none_says_why_in_one_line(judge, printed) -> None:
    verdict = judge(printed, "Traceback …\n  deep inside\nConnectionError: no route\n")

    assert verdict == Verdict(unasked="ConnectionError: no route")


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ([Verdict(), Verdict()], CLEAN),
        ([Verdict(), Verdict(unasked="no route")], UNKNOWN),
        ([Verdict(("old 1.0",)), Verdict(unasked="no route")], WEAK),
    ],
)
def test_the_exit_code_tells_clean_weak_and_unknown_apart(verdicts, code, capsys) -> None:
    assert report({str(number): verdict for number, verdict in enumerate(verdicts)}) == code
    assert ("No known weakness" in capsys.readouterr().out) is (code == CLEAN)


def test_without_a_network_pip_audit_leaves_the_question_open(monkeypatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")

    verdict = _ask((*_PIP_AUDIT, "--requirement", "requirements-webgraph.txt"), judge_pip)

    assert verdict.weaknesses == ()
    assert "127.0.0.1" in verdict.unasked
