"""Whether a ticket can come back while its attempt is still at work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings

from infra_shared.checkup import Check, bad, good, register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infra_shared.checkup import Finding

ADVICE = "Leave Q_CLUSTER as config/settings.py makes it from LONGEST_ATTEMPT_SECONDS."


def look() -> Iterator[Finding]:
    """Compare django-q2's `retry` and `timeout` of each queue with each other and with the longest attempt."""
    common = {key: value for key, value in settings.Q_CLUSTER.items() if key != "ALT_CLUSTERS"}
    longest = settings.LONGEST_ATTEMPT.total_seconds()
    wrong = False
    for queue, own in settings.Q_CLUSTER["ALT_CLUSTERS"].items():
        timeout, retry = ({**common, **own}[name] for name in ("timeout", "retry"))
        if retry <= timeout:
            wrong = True
            yield bad(
                f"Queue {queue}: retry {retry} s is not above timeout {timeout} s; work is done twice.",
                ADVICE,
            )
        if queue != settings.CHORES_QUEUE and timeout <= longest:
            wrong = True
            yield bad(
                f"Queue {queue}: timeout {timeout} s cuts attempts that may take {longest:.0f} s.", ADVICE
            )
    if not wrong:
        yield good("Each queue's retry is above its timeout, and that above the longest attempt.")


register(Check(name="retry", look=look, advice=ADVICE, order=80))
