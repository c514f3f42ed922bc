"""Endpoints: send a file for the params of runs, and look at what was sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from uuid import UUID

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.urls import reverse
from ninja import Router, Status

from automations.errors import FileTooLargeError
from automations.models import DEFAULT_CUSTOMER, Customer, UploadedFile
from automations.schemas import FileOut
from automations.services.files import Sender, check_size, keep_file
from infra_shared.api.auth import ApiKeyAuth, ApiRequest, actor_of
from infra_shared.api.problems import NotFoundError
from infra_shared.scopes import Scope
from runs.errors import InvalidRequestError, UnknownCustomerError
from runs.schemas import IdempotencyKey

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile as SentFile

router = Router(tags=["Files"])

_FORM = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "file": {"type": "string", "format": "binary", "description": "The file, with its name."},
                    "customer": {
                        "type": "string",
                        "default": DEFAULT_CUSTOMER,
                        "description": "Whose file it is: only this customer's runs can name it.",
                    },
                },
            }
        }
    },
}


class _OnDisk(TemporaryFileUploadHandler):
    """Writes a file to disk as it arrives, and gives up as soon as it is larger than may be."""

    _received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write one part."""
        self._received += len(raw_data)
        try:
            check_size(self._received)
        except FileTooLargeError:
            self.file.close()  # the parser closes whole files alone
            raise
        super().receive_data_chunk(raw_data, start)


@router.post(
    "/files",
    auth=ApiKeyAuth(Scope.FILES_WRITE),
    response={201: FileOut, 200: FileOut},
    summary="Send a file",
    openapi_extra={"requestBody": _FORM},
)
def create_file(
    request: ApiRequest, response: HttpResponse, idempotency_key: IdempotencyKey = None
) -> Status[FileOut]:
    """Keep a file, so that a run's params can name it by its id where their schema has the format `input-file`.

    Send it as `multipart/form-data`. Its name is made safe, its content type is kept as said and never relied on. A
    file that no request names for some weeks is forgotten; a run keeps its own.
    """
    # Set before anything looks at the body: it is parsed once, by these.
    request.upload_handlers = [_OnDisk(request)]
    sent = _sent_file(request)
    customer = _customer(request, request.POST.get("customer") or DEFAULT_CUSTOMER)
    kept = keep_file(
        customer=customer,
        source=Path(sent.temporary_file_path()),
        name=sent.name or "",
        content_type=sent.content_type or "",
        sender=Sender(actor=actor_of(request), caller=request.auth.caller, idempotency_key=idempotency_key),
    )
    response["Location"] = reverse("api-v1:get_file", kwargs={"file_id": kept.file.pk})
    return Status(201 if kept.created else 200, FileOut.of(kept.file))


@router.get(
    "/files/{file_id}", auth=ApiKeyAuth(Scope.FILES_WRITE), response=FileOut, summary="Get a file's facts"
)
def get_file(request: ApiRequest, file_id: UUID) -> FileOut:
    """What is known of a file that was sent; its content is an artifact of each run that names it."""
    row = UploadedFile.objects.select_related("customer").filter(pk=file_id).first()
    if row is None or not request.auth.caller.reaches(row.customer.key):
        raise NotFoundError(f"There is no file {file_id}.")
    return FileOut.of(row)


def _sent_file(request: ApiRequest) -> TemporaryUploadedFile:
    try:
        files: list[SentFile] = request.FILES.getlist("file")
    except MultiPartParserError as error:
        raise InvalidRequestError("file", f"The form cannot be read: {error}") from error
    if len(files) != 1 or not isinstance(files[0], TemporaryUploadedFile):
        raise InvalidRequestError("file", "Send one file as multipart/form-data, in the field `file`.")
    return files[0]


def _customer(request: ApiRequest, key: str) -> Customer:
    within_reach = request.auth.caller.reaches(key) and key.isprintable()
    customer = Customer.objects.filter(key=key).first() if within_reach else None
    if customer is None:
        raise UnknownCustomerError(f"There is no customer {key!r}.")
    return customer
