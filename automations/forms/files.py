"""The field of a param that is a file, or a list of files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from django import forms

from automations.errors import FileRefusedError
from automations.services.files import Sender, check_size, keep_file

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from automations.models import Customer

KEEPS = "Leave it empty to keep the file it has."


class _FileInput(forms.FileInput):
    """A file input that takes one file, or several."""

    def __init__(self, *, several: bool) -> None:
        self.allow_multiple_selected = several
        super().__init__(attrs={"multiple": True} if several else None)


class ParamFileField(forms.FileField):
    """Takes files; left empty it keeps what the params named before. Its value is a file, or a reference kept."""

    def __init__(self, *, several: bool, **common: Any) -> None:
        self.several = several
        super().__init__(widget=_FileInput(several=several), **common)

    def clean(self, data: Any, initial: Any = None) -> Any:
        """The files, the references given before, or None."""
        sent = [item for item in (data if isinstance(data, list) else [data]) if item]
        if not sent:
            if not initial:
                super().clean(None)
            return initial or None
        for file in sent:
            super().clean(file)
            try:
                check_size(file.size)
            except FileRefusedError as error:
                raise forms.ValidationError(str(error)) from error
        return sent if self.several else sent[0]

    def kept(self, value: Any, *, customer: Customer, actor: str) -> Any:
        """A cleaned value as params hold it: its files are kept for the customer and named by their ids."""
        if isinstance(value, list):
            return [self.kept(item, customer=customer, actor=actor) for item in value]
        if value is None or isinstance(value, str):
            return value
        source = _source(value)
        kept = keep_file(
            customer=customer,
            source=source,
            name=value.name or "",
            content_type=value.content_type or "",
            sender=Sender(actor=actor),
        )
        return str(kept.file.pk)


def _source(file: UploadedFile) -> bytes | Path:
    """The file on disk where it is large, else its bytes."""
    path = getattr(file, "temporary_file_path", None)
    return Path(path()) if path is not None else file.read()
