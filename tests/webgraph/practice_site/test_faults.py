"""Faults strike where they were asked for, as often as asked, and repeat for a seed."""

from __future__ import annotations

import subprocess
import sys

import httpx
import pytest

from webgraph.practice_site.faults import FaultBoard, parse_faults


@pytest.mark.parametrize("status", [500, 503])
def test_a_request_may_ask_for_a_server_error_in_its_address_or_a_header(visitor: httpx.Client, status: int):
    by_address = visitor.get("/sign-in", params={"fault": str(status)})
    by_header = visitor.get("/sign-in", headers={"X-Practice-Fault": str(status)})

    assert (by_address.status_code, by_header.status_code) == (status, status)
    assert visitor.get("/sign-in").status_code == 200


def test_a_rate_limit_says_when_to_come_back(visitor: httpx.Client):
    answer = visitor.get("/sign-in?fault=429:7")

    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")


def test_a_rate_strikes_its_share_of_requests_in_a_sequence_that_repeats():
    faults = parse_faults("503@0.3")
    board = FaultBoard(seed=1)

    def play() -> list[bool]:
        board.switch(faults, requests=None)
        return [bool(board.strike()) for _ in range(1000)]

    struck = play()
    assert 250 < sum(struck) < 350
    assert play() == struck


def test_a_fault_of_the_whole_site_lasts_for_the_requests_asked(visitor: httpx.Client):
    visitor.post("/_control/faults", json={"faults": ["503"], "requests": 2})

    statuses = [visitor.get("/sign-in").status_code for _ in range(3)]

    assert statuses == [503, 503, 200]


def test_truth_and_control_are_never_struck(visitor: httpx.Client):
    visitor.post("/_control/faults", json={"faults": ["500", "drop", "delay:60"]})

    assert visitor.get("/_truth").json()["faults"] == ["500:2@1", "drop:2@1", "delay:60@1"]
    assert visitor.post("/_control/faults", json={"faults": []}).status_code == 200
    assert visitor.get("/sign-in").status_code == 200


@pytest.mark.parametrize("spelling", ["404", "503@2", "delay:soon", "503@0.3@0.4"])
def test_a_fault_nobody_knows_is_refused_with_the_known_ones(visitor: httpx.Client, spelling: str):
    by_address = visitor.get("/sign-in", params={"fault": spelling})
    by_control = visitor.post("/_control/faults", json={"faults": [spelling]})

    assert (by_address.status_code, by_control.status_code) == (400, 422)
    assert "rotated_layout" in by_address.text


def test_an_expired_session_asks_to_sign_in_again(member: httpx.Client):
    answer = member.get("/invoices?fault=expired_session")

    sign_in = member.get(answer.headers["Location"])
    assert "Your session has ended." in sign_in.text
    assert member.get("/invoices").status_code == 303


def test_a_dropped_answer_ends_in_the_middle_of_its_body(visitor: httpx.Client):
    with pytest.raises(httpx.RemoteProtocolError, match="peer closed connection"):
        visitor.get("/sign-in?fault=drop")

    assert visitor.get("/sign-in").status_code == 200


def test_a_delayed_answer_comes_late_but_whole(visitor: httpx.Client):
    with pytest.raises(httpx.ReadTimeout):
        visitor.get("/sign-in?fault=delay:5", timeout=0.5)

    assert visitor.get("/sign-in?fault=delay:0.05").status_code == 200


def test_the_command_prints_where_it_listens_and_a_taken_port_is_one_clear_line():
    command = [sys.executable, "-m", "webgraph.practice_site", "--port"]
    with subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        address = first.stdout.readline().split()[2]
        second = subprocess.run(
            [*command, str(httpx.URL(address).port)], capture_output=True, text=True, check=False
        )
        served = httpx.get(f"{address}sign-in")
        first.terminate()

    assert served.status_code == 200
    assert second.returncode == 1
    assert second.stderr.startswith("Cannot listen on 127.0.0.1:")
