"""What may leave an attempt: every text and picture passes here first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from infra_shared.markup import tree_without_cut_secrets, without_cut_secrets
from infra_shared.redaction import Redactor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Scrub:
    """Knows the attempt's secrets and takes them out of what is reported.

    `redactor` is who else is to know them (the recorder, the log); `patterns` are the automation's own.
    """

    def __init__(
        self,
        secrets: Mapping[str, Mapping[str, str]],
        *,
        redactor: Redactor | None = None,
        patterns: Iterable[str] = (),
    ) -> None:
        self.redactor = redactor if redactor is not None else Redactor(())
        self.redactor.add_patterns(patterns)
        self.learn(value for fields in secrets.values() for value in fields.values())

    @property
    def values(self) -> frozenset[str]:
        """Every secret known by now."""
        return self.redactor.secrets

    def learn(self, secrets: Iterable[str]) -> None:
        """Know more secrets from now on, such as the code somebody was asked for."""
        self.redactor.learn(value for value in secrets if value)

    def text(self, text: str) -> str:
        """A text without secrets."""
        return self.redactor.text(text)

    def json(self, value: Any) -> Any:
        """A JSON value without secrets."""
        return self.redactor.json(value)

    def html(self, html: str) -> bytes:
        """A document without secrets, those that its tags cut included, as bytes."""
        return without_cut_secrets(self.text(html), self.redactor).encode("utf-8", "replace")

    def tree(self, tree: str) -> bytes:
        """An accessibility tree without secrets, those that its lines cut included, as bytes."""
        return tree_without_cut_secrets(self.text(tree), self.redactor).encode("utf-8", "replace")

    def holds_secret(self, text: str) -> bool:
        """Whether a text is or contains a secret; short secrets count when they are a whole token."""
        return text in self.values or self.redactor.contains(text)
