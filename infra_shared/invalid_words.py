"""What a model says of a value that does not fit, in words that say what to do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_OBJECT = "It must be a JSON object, such as {}."
_TIME = "It must be a time with its UTC offset, such as 2026-11-23T08:00:00Z (in a query, write + as %2B)."
_WORDS = {
    "extra_forbidden": "There is no such field.",
    "model_attributes_type": _OBJECT,
    "model_type": _OBJECT,
    "dict_type": _OBJECT,
    "list_type": "It must be a list, such as [].",
    "timezone_aware": _TIME,
    "datetime_type": _TIME,
    "datetime_parsing": _TIME,
    "datetime_from_date_parsing": _TIME,
    "url_parsing": "It must be a whole address, such as https://example.com/.",
    "uuid_parsing": "It must be an id, such as 01a20797-5e73-71ac-8d60-108cc5a68e7b.",
}


def in_words(entry: Mapping[str, Any]) -> str:
    """The message for one entry of a pydantic error's list; pydantic's own where that is clear."""
    # pydantic puts the prefix before what a validator of ours says
    return _WORDS.get(entry["type"]) or str(entry["msg"]).removeprefix("Value error, ")
