"""All registered figures as Prometheus reads them, and the page that explains them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from infra_shared.database import database_now
from infra_shared.figures import Family, Figure, Kind, groups

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Group, Label

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_HEAD = """\
# Metrics

`GET /metrics` answers in Prometheus' text format. Every figure is read from the database when it is asked for, so that any
web process answers the same, a restart loses nothing, and work on other machines is counted too. The number of questions
to the database is fixed.

It opens to an API key with the scope `metrics:read` that reaches every customer (in the header `X-API-Key`, or as a Bearer
token), and to a signed-in operator who reaches every customer. To have Prometheus read it:

```
python manage.py keys create prometheus --scope metrics:read --customer '*' > prometheus.key
```

```yaml
scrape_configs:
  - job_name: automation
    scrape_interval: 30s
    authorization:
      credentials_file: prometheus.key
    static_configs:
      - targets: ["automation.example:443"]
    scheme: https
```

[monitoring](monitoring/prometheus-rules.yml) has alert rules, a [dashboard](monitoring/grafana-dashboard.json) for Grafana and a
[configuration](monitoring/prometheus.yml) like the above, as files.

`python manage.py metrics show` prints the same text on the machine itself, without a key. While the database does not
answer, `/metrics` answers 503, which Prometheus records as `up == 0`: alert on that first.

Labels have few values, which stand with each figure below; or they hold what the people of this installation named:

{named}

No label holds the id of a row, an address, or anything that a caller, a sender or a page chose. This page is made from the
figures' own descriptions by `python manage.py metrics reference > docs/metrics.md`; a test says when it is out of date.
"""


class _Rows(Collector):
    """Yields every family with its samples; those that have none now are named all the same."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Read each group."""
        for group in groups():
            yield from _read(group, self._now)


def exposition() -> bytes:
    """Every figure as it is now, in the text format that `CONTENT_TYPE` names."""
    registry = CollectorRegistry(auto_describe=False)  # describing would read everything twice
    registry.register(_Rows(database_now()))
    return generate_latest(registry)


def reference() -> str:
    """The page that explains every figure, as `docs/metrics.md` holds it."""
    labels = {label for group in groups() for family in group.families for label in family.labels}
    named = sorted(f"- `{label.name}`: {label.named_by}" for label in labels if label.named_by)
    return _HEAD.format(named="\n".join(named)) + "".join(_section(group) for group in groups())


def _read(group: Group, now: datetime) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
    found: dict[Family, list[Figure]] = {family: [] for family in group.families}
    for figure in group.read(now):
        found[figure.family].append(figure)
    for family, figures in found.items():
        made = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
        metric = made(family.name, family.words, labels=[label.name for label in family.labels])
        for figure in figures:
            metric.add_metric(figure.labels, figure.value)
        yield metric


def _section(group: Group) -> str:
    rows = "".join(
        f"| `{family.name}` | {family.kind} | {'; '.join(map(_told, family.labels))} | {family.words} |\n"
        for family in group.families
    )
    return f"\n## {group.title}\n\n| name | kind | labels | what it says |\n|---|---|---|---|\n{rows}"


def _told(label: Label) -> str:
    values = ", ".join(f"`{value}`" for value in label.values)
    return f"`{label.name}`: {values}" if values else f"`{label.name}`"
