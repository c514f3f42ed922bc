"""The form of a source, and the input it stands for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from django import forms

from automations.models import DEFAULT_CUSTOMER, Customer
from intake.admin.source_words import IN_SHORT
from intake.models import (
    DEFAULT_TOLERANCE_SECONDS,
    DEFAULT_WINDOW_SECONDS,
    MAX_BODY_BYTES,
    Rate,
    Scheme,
)
from intake.services.source_input import SourceInput

if TYPE_CHECKING:
    from collections.abc import Iterable

    from automations.errors import FieldProblem
    from intake.models import Source

_OPTIONS = {
    Scheme.HMAC: {
        "header": "signature_header",
        "algorithm": "algorithm",
        "encoding": "encoding",
        "prefix": "signature_prefix",
        "template": "template",
        "timestamp_header": "timestamp_header",
        "id_header": "id_header",
    },
    Scheme.HEADER: {"header": "secret_header"},
}
"""The fields of the form that hold the options of a scheme."""
_LIST_BREAKS = re.compile(r"[\s,;]+")
_CODE = {"class": "c-code", "autocomplete": "off", "spellcheck": "false"}


class LinesField(forms.CharField):
    """Several short words, one on each line: cleaned to a list."""

    widget = forms.Textarea(attrs={"rows": 2, **_CODE})

    def clean(self, value: Any) -> Any:
        """The words."""
        text = super().clean(value)
        return [word for word in _LIST_BREAKS.split(text) if word]


def _header(label: str, help_text: str) -> forms.CharField:
    widget = forms.TextInput(attrs=_CODE)
    return forms.CharField(required=False, max_length=100, label=label, help_text=help_text, widget=widget)


class SourceForm(forms.Form):
    """Everything of a source; a new one may bring its secret, which is never filled in."""

    name = forms.CharField(
        required=False, max_length=200, label="Name", help_text="What people call it, such as “Web shop”."
    )
    slug = forms.SlugField(
        max_length=63,
        label="Name in its address",
        help_text="Small letters, digits and hyphens. It cannot be changed later, nor used again.",
        error_messages={"invalid": "Use small letters, digits and hyphens alone, such as web-shop."},
        widget=forms.TextInput(attrs=_CODE),
    )
    customer = forms.ModelChoiceField(
        queryset=Customer.objects.all(),
        to_field_name="key",
        initial=DEFAULT_CUSTOMER,
        label="Customer",
        help_text="Everything it starts happens on behalf of this customer.",
    )
    scheme = forms.ChoiceField(
        choices=[(scheme.value, IN_SHORT[scheme]) for scheme in Scheme],
        initial=Scheme.GITHUB,
        widget=forms.RadioSelect,
        label="Who sends, and how it proves that it is the one",
    )
    secret = forms.CharField(
        required=False,
        max_length=500,
        label="Secret",
        help_text="Empty: one is made, and shown once. Kept encrypted and never shown again.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    signature_header = _header("Header with the signature", "Such as X-Signature.")
    algorithm = forms.ChoiceField(
        choices=[(name, name.upper()) for name in ("sha256", "sha512", "sha384", "sha1")], label="Algorithm"
    )
    encoding = forms.ChoiceField(
        choices=[("hex", "Hexadecimal digits"), ("base64", "Base64")], label="Written as"
    )
    signature_prefix = forms.CharField(
        required=False, max_length=50, label="What stands before it", help_text="Such as “sha256=”."
    )
    template = forms.CharField(
        required=False,
        max_length=200,
        label="What is signed",
        help_text="Empty: the body. Else a text with {body} in it, and perhaps {timestamp} and {id}: “{timestamp}.{body}”.",
        widget=forms.TextInput(attrs=_CODE),
    )
    timestamp_header = _header("Header with the time", "Unix seconds. Empty: none, so old webhooks pass too.")
    id_header = _header("Header with the delivery's id", "Tells one delivery from another. Empty: none.")
    secret_header = _header("Header with the key", "Such as X-Webhook-Key.")
    type_header = _header(
        "Type of an event: header", "Empty for GitHub, Shopify, Stripe, Slack and Standard Webhooks: known."
    )
    type_path = forms.CharField(
        required=False,
        max_length=500,
        label="Type of an event: place in the body",
        help_text="JMESPath, such as “event.kind”. The header or the place, not both.",
        widget=forms.TextInput(attrs=_CODE),
    )
    key_header = _header(
        "Header that tells deliveries apart",
        "Where the sender names none: the same value twice is the same event. Empty: the body is compared.",
    )
    window_seconds = forms.IntegerField(
        min_value=1,
        initial=DEFAULT_WINDOW_SECONDS,
        label="Same body, same event (seconds)",
        help_text="Where only the body tells: the same one within this time is one event that came twice.",
    )
    tolerance_seconds = forms.IntegerField(
        min_value=1,
        initial=DEFAULT_TOLERANCE_SECONDS,
        label="Oldest signature (seconds)",
        help_text="Where the time is signed: anything older is refused.",
    )
    ip_allow = LinesField(
        required=False,
        label="Takes it only from",
        help_text="Networks such as 192.0.2.0/24, one on each line. Empty: from anywhere.",
    )
    content_types = LinesField(
        required=False,
        label="Takes only these content types",
        help_text="Such as application/json. Empty: any.",
    )
    rate = forms.ChoiceField(
        choices=Rate.choices,
        initial=Rate.NORMAL,
        label="How many at once",
        help_text="Beyond it the edge answers 429, and the sender tries again.",
    )
    max_bytes = forms.IntegerField(
        min_value=1, max_value=MAX_BODY_BYTES, initial=MAX_BODY_BYTES, label="Largest body (bytes)"
    )

    hmac_fields = tuple(_OPTIONS[Scheme.HMAC].values())
    type_fields = ("type_header", "type_path")
    more_fields = (
        "key_header",
        "window_seconds",
        "tolerance_seconds",
        "ip_allow",
        "content_types",
        "rate",
        "max_bytes",
    )

    def wanted(self, present: Source | None = None) -> SourceInput:
        """What a valid form says; a present source keeps its slug, its customer, and whether it is enabled."""
        entered = self.cleaned_data
        plain = ("name", "scheme", *self.type_fields, *self.more_fields)
        return SourceInput(
            slug=present.slug if present else entered["slug"],
            customer=present.customer if present else entered["customer"],
            options=self._options(entered["scheme"]),
            is_enabled=present.is_enabled if present else True,
            **{name: entered[name] for name in plain},
        )

    def show_problems(self, problems: Iterable[FieldProblem]) -> None:
        """Put what the server found wrong beside the fields it is about."""
        fields = _OPTIONS.get(Scheme(self.cleaned_data["scheme"]), {})
        for problem in problems:
            group, _, option = problem.field.rpartition(".")
            field = fields.get(option, option) if group == "options" else problem.field
            self.add_error(field if field in self.fields else None, problem.message)

    def _options(self, scheme: str) -> dict[str, Any]:
        fields = _OPTIONS.get(Scheme(scheme), {})
        return {
            option: self.cleaned_data[field] for option, field in fields.items() if self.cleaned_data[field]
        }


def values_of(source: Source) -> dict[str, Any]:
    """A source as its form shows it."""
    same = ("slug", "name", "scheme", *SourceForm.type_fields, *SourceForm.more_fields)
    lists = {name: "\n".join(getattr(source, name)) for name in ("ip_allow", "content_types")}
    fields = _OPTIONS.get(Scheme(source.scheme), {})
    options = {field: source.options.get(option, "") for option, field in fields.items()}
    return {
        **{name: getattr(source, name) for name in same},
        **lists,
        **options,
        "customer": source.customer.key,
    }
