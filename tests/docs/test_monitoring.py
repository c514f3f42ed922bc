"""docs/monitoring: every expression parses, and asks for nothing that /metrics does not tell."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple

import promql_parser
import pytest
import yaml

from config.env import BASE_DIR
from infra_shared.figures import Family, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.figures import Label

FOLDER = BASE_DIR / "docs" / "monitoring"
DASHBOARD = json.loads((FOLDER / "grafana-dashboard.json").read_text())
RULES = [
    rule
    for group in yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text())["groups"]
    for rule in group["rules"]
]
_ABOUT_EVERY_TARGET = {"job", "instance"}
_CHOSEN_ON_THE_DASHBOARD = {"$automation"}
_BY_PATTERN = {"MatchOp.Re", "MatchOp.NotRe"}


class Asked(NamedTuple):
    """One expression: where it stands, what it is, and what its legend or summary names."""

    where: str
    expression: str
    named: set[str]


def asked() -> Iterator[Asked]:
    """Every expression of the dashboard and of the rules."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            legend = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            where = f"panel {panel['title']} ({panel['id']}{target['refId']})"
            yield Asked(where, target["expr"], legend)
    for rule in RULES:
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        yield Asked(f"rule {rule['alert']}", rule["expr"], labels)


def families() -> dict[str, Family]:
    """What /metrics tells, by name."""
    return {family.name: family for group in groups() for family in group.families}


def labels_of(family: Family) -> dict[str, Label]:
    """Its labels, by name."""
    return {label.name: label for label in family.labels}


def impossible_values(expression: str) -> list[str]:
    """What an expression asks of labels that no figure can have: the alert would never come, the panel stay empty."""
    known = families()
    return [
        f'{one.name}{{{matcher.name}="{value}"}}'
        for one in selectors(expression)
        if one.name in known
        for matcher in one.matchers.matchers
        if matcher.name not in _ABOUT_EVERY_TARGET
        for value in values_named_by(matcher)
        if value not in labels_of(known[one.name])[matcher.name].values
    ]


def values_named_by(matcher: Any) -> list[str]:
    """The values a matcher names, each for itself; none where the dashboard's reader chooses them."""
    if matcher.value in _CHOSEN_ON_THE_DASHBOARD:
        return []
    return matcher.value.split("|") if repr(matcher.op) in _BY_PATTERN else [matcher.value]


def selectors(expression: str) -> list[Any]:
    """What an expression selects; raises ValueError when it is no PromQL."""
    found: list[Any] = []

    def note(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), note)
    return found


ASKED = list(asked())


@pytest.mark.parametrize("item", ASKED, ids=[item.where for item in ASKED])
def test_every_expression_parses_and_selects_by_names_and_labels_that_metrics_has(item: Asked):
    known = families()
    selected = selectors(item.expression)
    labels = set.union(*(set(labels_of(known[one.name])) for one in selected if one.name != "up"), set())

    assert selected
    for one in selected:
        assert one.name == "up" or one.name in known, one.name
        matched = {matcher.name for matcher in one.matchers.matchers}
        allowed = _ABOUT_EVERY_TARGET | (set() if one.name == "up" else set(labels_of(known[one.name])))
        assert matched <= allowed, one
    grouped = {
        name.strip()
        for names in re.findall(r"\b(?:by|on) \(([^)]*)\)", item.expression)
        for name in names.split(",")
    }
    assert grouped | item.named <= labels


@pytest.mark.parametrize("item", ASKED, ids=[item.where for item in ASKED])
def test_every_value_of_a_label_that_an_expression_names_is_one_metrics_can_have(item: Asked):
    assert impossible_values(item.expression) == []


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ('automation_nodes{state="alife"} == 0', ['automation_nodes{state="alife"}']),
        ('automation_runs_open{state!="wating_input"}', ['automation_runs_open{state="wating_input"}']),
        (
            'sum(increase(automation_runs_ended_total{outcome=~"succeeded|failure"}[1h]))',
            ['automation_runs_ended_total{outcome="failure"}'],
        ),
        (
            'automation_queue_due_attempts{queue="default"}',
            ['automation_queue_due_attempts{queue="default"}'],
        ),
    ],
)
def test_a_value_that_is_misspelt_or_of_one_installation_does_not_pass(expression: str, found: list[str]):
    assert impossible_values(expression) == found


def test_every_figure_is_on_the_dashboard():
    drawn = {
        one.name for item in ASKED if item.where.startswith("panel") for one in selectors(item.expression)
    }

    assert set(families()) - drawn == set()


def test_an_expression_with_a_fault_does_not_pass():
    with pytest.raises(ValueError, match="label"):
        selectors("sum(automation_nodes{state=alive})")


def test_every_rule_says_what_is_wrong_and_leads_to_a_heading_that_is_there():
    headings = re.findall(r"^#+ (.+)$", (BASE_DIR / "docs" / "operations.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", words.lower()).replace(" ", "-") for words in headings}

    assert len({rule["alert"] for rule in RULES}) == len(RULES)
    for rule in RULES:
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert (path, anchor in anchors) == ("docs/operations.md", True), rule["alert"]
        assert re.fullmatch(r".{15,}\.", rule["annotations"]["summary"]), rule["alert"]
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}


def test_prometheus_reads_metrics_with_a_key_and_the_rules_under_the_name_they_expect():
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    [scrape] = config["scrape_configs"]

    assert (scrape["metrics_path"], scrape["scheme"]) == ("/metrics", "https")
    assert scrape["authorization"] == {"type": "Bearer", "credentials_file": "prometheus.key"}
    assert all((FOLDER / name).is_file() for name in config["rule_files"])
    assert f'up{{job="{scrape["job_name"]}"}}' in RULES[0]["expr"]
