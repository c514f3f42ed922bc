"""Sites by their origin, and what documents say about what runs share."""

from __future__ import annotations

import pytest

from webgraph.documents.compiling import automation_from
from webgraph.documents.problems import FlowDocumentError
from webgraph.documents.reading import read_flow
from webgraph.documents.shared import SharedInMapping
from webgraph.sites import origin_of

FLOW = """
key: pay
params:
  shop: {type: url}
  account: {type: text}
  list: {type: file, optional: true}
options:
  sites: ["{{ params.shop }}", "https://bank.example"]
  slot_keys: {"account-{{ params.account }}": 2}
stages:
  - name: look
    effect: read
    steps: [{goto: "{{ params.shop }}"}]
"""


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("HTTPS://Shop.example:443/a?b#c", "https://shop.example"),
        ("http://anna:secret@shop.example:8080/", "http://shop.example:8080"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_an_address_is_written_as_its_origin(address: str, origin: str) -> None:
    assert origin_of(address) == origin


@pytest.mark.parametrize("address", ["shop.example", "ftp://shop.example", "https://", ""])
def test_what_is_no_web_address_is_no_site(address: str) -> None:
    with pytest.raises(ValueError, match="is no site"):
        origin_of(address)


def test_a_document_computes_its_sites_and_keys_from_the_params() -> None:
    code = automation_from(read_flow(FLOW, shared=SharedInMapping({})))
    params = code.Params.model_validate({"shop": "https://shop.example", "account": "7"})

    assert code.sites == ("https://bank.example",)
    assert list(code.sites_of(params)) == ["https://shop.example", "https://bank.example"]
    assert code.slot_keys(params) == {"account-7": 2}


@pytest.mark.parametrize("text", ["{{ params.list }}", "{{ params.nobody }}", "{{ state.rows }}", "bank"])
def test_a_document_may_not_count_by_a_file_or_by_what_is_not_known_yet(text: str) -> None:
    with pytest.raises(FlowDocumentError, match="options"):
        read_flow(FLOW.replace("https://bank.example", text), shared=SharedInMapping({}))
