"""How much of the limits is used."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from infra_shared.figures import Family, Group, Label, register
from runs.limit_keys import Kind, split
from runs.services.slots import limits_in_use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from infra_shared.figures import Figure

_KIND = Label("kind", tuple(kind.value for kind in Kind))

HELD = Family(
    name="automation_slots_held",
    words="Slots held by running attempts, by what they limit.",
    labels=(_KIND,),
)
MOST = Family(
    name="automation_slots_limit",
    words="How many there are of the limits of which any is held. A limit nobody uses now is not in it.",
    labels=(_KIND,),
)
FULL = Family(
    name="automation_slots_full_limits",
    words="Limits that let nobody in now. The runs that wait for them are in the state `waiting_slot`.",
    labels=(_KIND,),
)


def read_slots(_now: datetime) -> Iterator[Figure]:
    """Sums over the limits of each kind: their names come from params, so that no label may hold them."""
    held: Counter[Kind] = Counter()
    most: Counter[Kind] = Counter()
    full: Counter[Kind] = Counter()
    for key, use in limits_in_use().items():
        kind, _ = split(key)
        held[kind] += use.held
        most[kind] += use.most
        full[kind] += use.is_full
    for kind in Kind:
        yield HELD.of(held[kind], kind.value)
        yield MOST.of(most[kind], kind.value)
        yield FULL.of(full[kind], kind.value)


register(Group(title="Limits", families=(HELD, MOST, FULL), read=read_slots))
