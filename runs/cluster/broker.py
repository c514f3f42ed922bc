"""The ticket table as a cluster sees it: django-q2's ORM broker, patient when the database does not answer."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from infra_shared.database import when_reachable

if TYPE_CHECKING:
    from django.db.models import QuerySet

ACKNOWLEDGE_WITHIN = timedelta(minutes=5)


class TicketBroker(ORM):
    """django-q2's ORM broker, with three differences.

    It opens no connection before it is used, because it is made in processes that fork; it acknowledges as soon as
    the database is back; and it can give back a ticket that nobody started.
    """

    @staticmethod
    def get_connection(list_key: str | None = None) -> QuerySet[Any]:  # noqa: ARG004 - the signature of the base
        """The ticket table. Unlike the base it does not look at the connection, which would open it."""
        tickets: QuerySet[Any] = OrmQ.objects.using(Conf.ORM)
        return tickets

    def acknowledge(self, task_id: int) -> None:
        """Remove a ticket whose task ended."""
        when_reachable(lambda: self.delete(task_id), up_to=ACKNOWLEDGE_WITHIN)

    def give_back(self, task_id: int) -> None:
        """Unlock a ticket at once, so that another cluster takes it instead of waiting for django-q2's retry time."""
        self.get_connection().filter(pk=task_id).update(lock=timezone.now())
