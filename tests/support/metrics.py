"""The figures as Prometheus would read them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from infra_shared.exposition import exposition


def measured() -> dict[str, float]:
    """Every figure there is now, by its name and labels: `automation_nodes{state=alive}`."""
    return parsed(exposition().decode())


def parsed(text: str) -> dict[str, float]:
    """The samples of a text in Prometheus' format."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()))
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found
