"""What went wrong with an object store, in one sentence that says what to look at."""

from __future__ import annotations

from botocore.exceptions import (
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
    SSLError,
)

from infra_shared.blobs.protocol import BlobStorageError

_KEYS = "the object store refuses the keys. Look at ARTIFACTS_S3_ACCESS_KEY and ARTIFACTS_S3_SECRET_KEY"
_RIGHTS = "the object store does not allow it. Look at what the keys, or the role, may do with the bucket"
_BUSY = "the object store is overloaded or broken"
_BY_CODE = {
    "InvalidAccessKeyId": _KEYS,
    "SignatureDoesNotMatch": _KEYS,
    "InvalidToken": _KEYS,
    "ExpiredToken": _KEYS,
    "AccessDenied": _RIGHTS,
    # The answer to HEAD has no body, so nothing more exact is known.
    "403": "the object store refuses the keys, or does not allow them this. Look at ARTIFACTS_S3_ACCESS_KEY,"
    " ARTIFACTS_S3_SECRET_KEY and what they may do with the bucket",
    "NoSuchBucket": "there is no such bucket. Look at ARTIFACTS_S3_BUCKET",
    "AuthorizationHeaderMalformed": "the bucket is in another region. Look at ARTIFACTS_S3_REGION",
    "PermanentRedirect": "the bucket is in another region. Look at ARTIFACTS_S3_REGION",
    "301": "the bucket is in another region. Look at ARTIFACTS_S3_REGION",
    "RequestTimeTooSkewed": "this machine's clock is not the object store's. Set it right",
    "NotImplemented": "the object store does not know something it was asked for. Look at ARTIFACTS_S3_ENCRYPTION",
    "SlowDown": _BUSY,
    "InternalError": _BUSY,
    "ServiceUnavailable": _BUSY,
    "500": _BUSY,
    "503": _BUSY,
}
_BY_TYPE: tuple[tuple[type[Exception], str], ...] = (
    (NoCredentialsError, "there are no keys. Set ARTIFACTS_S3_ACCESS_KEY, or give this machine a role"),
    (
        SSLError,
        "the object store's certificate is not trusted. Set ARTIFACTS_S3_CA_FILE, or look at ARTIFACTS_S3_ENDPOINT_URL",
    ),
    (ConnectTimeoutError, "the object store cannot be reached in time"),
    (ReadTimeoutError, "the object store did not answer in time"),
    (EndpointConnectionError, "the object store cannot be reached. Look at ARTIFACTS_S3_ENDPOINT_URL"),
)


def storage_error(done: str, error: Exception) -> BlobStorageError:
    """The error to raise instead: what could not be done, why, and which setting to look at; never an address or key."""
    if isinstance(error, ClientError):
        code = str(error.response.get("Error", {}).get("Code", "unknown"))
        why = _BY_CODE.get(code, "the object store refused")
        return BlobStorageError(f"The bytes could not be {done}: {why} ({code}).")
    why = next((text for kind, text in _BY_TYPE if isinstance(error, kind)), "the object store failed")
    return BlobStorageError(f"The bytes could not be {done}: {why} ({type(error).__name__}).")
