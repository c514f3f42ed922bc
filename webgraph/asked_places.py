"""Which places whoever asked for a run may have named: those that stand in its params.

A credential without sites goes to the origins its automation opens itself. An address out of a param is not the
automation's own: else whoever may ask for a run would say where it signs in.
"""

from __future__ import annotations

import ipaddress
import unicodedata
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr
from pydantic_core import PydanticUndefined, to_jsonable_python

from webgraph.sites import origin_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import BaseModel

_OWNED_LABELS = 2
"""How many labels at the end of a host name say whose it is: who names `acme` in `acme.shop.example` stays at the shop."""
_UNSEEN = frozenset({"Cc", "Cf"})
"""Unicode categories that addresses lose on their way: line ends and tabs, soft hyphens, joiners."""
_FULL_STOP = "\N{IDEOGRAPHIC FULL STOP}"


class AskedPlaces:
    """What was asked for in a run's params, their defaults left out: these are the automation's own words."""

    def __init__(self, model: type[BaseModel], params: Mapping[str, Any]) -> None:
        self._texts = tuple(
            _plain(text)
            for name, value in params.items()
            if not _is_default(model, name, value)
            for text in _texts_in(value)
        )

    def hold(self, origin: str) -> bool:
        """Whether some text holds the end of the origin's host name (two labels), or its whole IP address.

        Only a host that a param spells out is known: not one that the automation puts together from several, or decodes.
        """
        end = _end_of(urlsplit(origin).hostname or "")
        return bool(end) and any(form in text for form in {end, _in_unicode(end)} for text in self._texts)

    def left_out(self, origins: Iterable[str], *, own: Iterable[str] = ()) -> list[str]:
        """The origins without those that stand in the texts; what the automation itself wrote (`own`) stays."""
        written = {origin_of(address) for address in own}
        return [origin for origin in origins if origin in written or not self.hold(origin)]


def _is_default(model: type[BaseModel], name: str, value: Any) -> bool:
    field = model.model_fields.get(name)
    if field is None or field.default is PydanticUndefined:
        return False
    return bool(to_jsonable_python(field.default, fallback=str) == to_jsonable_python(value, fallback=str))


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, SecretStr):
        yield value.get_secret_value()
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _texts_in(item)
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from _texts_in(item)
    else:
        yield str(value)


def _plain(text: str) -> str:
    """The text as a browser reads it in an address."""
    folded = unicodedata.normalize("NFKC", unquote(text)).casefold().replace(_FULL_STOP, ".")
    return "".join(character for character in folded if unicodedata.category(character) not in _UNSEEN)


def _end_of(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:  # a name
        return ".".join(host.rstrip(".").split(".")[-_OWNED_LABELS:])


def _in_unicode(name: str) -> str:
    """A host name as people write it; the same where it is no internationalised one."""
    try:
        return _plain(name.encode("ascii").decode("idna"))
    except UnicodeError:  # written with other letters already, or no name that exists
        return _plain(name)
