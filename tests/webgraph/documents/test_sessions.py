"""A document declares its signed-in session as an automation in Python does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from webgraph.documents.compiling import automation_from
from webgraph.documents.reading import problems_in, read_flow
from webgraph.session import said

FLOW = """key: statements
params:
  shop: {}
  account: {default: "7"}
credentials: [staff]
targets:
  table: {css: "#statements"}
session:
  site: "{{ params.shop }}"
  login: sign_in
  credential: staff
  account: "{{ params.account }}"
  probe: {url: "{{ params.shop }}/staff", target: table}
  max_age_seconds: 3600
stages:
  - name: sign_in
    effect: idempotent
    steps:
      - goto: "{{ params.shop }}/staff/sign-in"
  - name: read
    effect: read
    steps:
      - goto: "{{ params.shop }}/staff"
"""


def test_a_session_is_declared_with_the_params_it_is_told_apart_by():
    automation = automation_from(read_flow(FLOW))

    session, params = automation.session, automation.Params(shop="https://shop.test")
    assert session is not None
    assert (session.site_for(params), session.account_for(params)) == ("https://shop.test", "staff:7")
    assert said(session.probe.url, params) == "https://shop.test/staff"
    assert session.max_age == timedelta(hours=1)
    assert automation.problems() == []


@pytest.mark.parametrize(
    ("written", "instead", "path", "words"),
    [
        ("login: sign_in", "login: enter", "session", "'enter', which it does not have"),
        ("login: sign_in", "login: read", "session", "its last stage"),
        (
            "  credential: staff",
            "  credential: stuff",
            "session",
            "'stuff', which `credentials` does not list",
        ),
        ("target: table", "target: tabel", "session.probe.target", "did you mean 'table'?"),
        (
            "target: table",
            'target: {text: "{{ params.shop }}"}',
            "session.probe.target",
            "no variable stands",
        ),
        ('site: "{{ params.shop }}"', 'site: "{{ params.shp }}"', "session.site", "'shp'"),
        ("effect: idempotent", "effect: commit", "session", "which commits"),
    ],
)
def test_a_session_that_cannot_work_is_told_before_it_runs(written, instead, path, words):
    (problem,) = problems_in(FLOW.replace(written, instead, 1))

    assert problem.path == path
    assert words in problem.message
