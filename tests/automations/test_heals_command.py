"""`manage.py heals`: what the console shows and decides, for scripts."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command

from automations.models import HealProposal, HealState
from tests.support.heals import proposed

if TYPE_CHECKING:
    from tests.support.runs_factory import RunsFactory

pytestmark = pytest.mark.django_db


def said(*arguments: str) -> str:
    out = StringIO()
    call_command("heals", *arguments, stdout=out)
    return out.getvalue()


def test_open_proposals_are_listed_and_shown(runs_factory: RunsFactory) -> None:
    proposal = proposed(runs_factory)

    assert "nav a" in said("list")
    [row] = json.loads(said("list", "--json"))
    assert (row["id"], row["step"], row["agreed"]) == (proposal.pk, "Click “Invoices”", 1)
    assert json.loads(said("show", str(proposal.pk)))["source"] == []


def test_a_proposal_is_adopted_once(runs_factory: RunsFactory) -> None:
    proposal = proposed(runs_factory)

    assert "shop-invoices v1 looks for nav a" in said("adopt", str(proposal.pk), "--reason", "A new menu.")
    assert said("list") == "Every target is found as it is written.\n"
    with pytest.raises(CommandError, match="adopted already, by command"):
        said("adopt", str(proposal.pk))


def test_an_adopted_proposal_for_code_can_be_withdrawn(runs_factory: RunsFactory) -> None:
    proposal = proposed(runs_factory)
    said("adopt", str(proposal.pk))

    said("refuse", str(proposal.pk))

    assert HealProposal.objects.get().state == HealState.REFUSED


def test_an_unknown_proposal_is_said_to_be_unknown(db: None) -> None:
    with pytest.raises(CommandError, match="There is no heal proposal 7"):
        said("show", "7")
