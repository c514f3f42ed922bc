"""How the store of artifacts is reached: the settings of the environment as an entry of Django's STORAGES."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

S3_BACKEND = "storages.backends.s3.S3Storage"


def artifact_storage(read: Callable[[str], Any], *, folder: Path) -> dict[str, Any]:
    """The bucket that ARTIFACTS_S3_BUCKET names, or files in a folder where it names none; ends the process when they clash."""
    # All are read, and so judged, before the bucket is looked at: a mistake is told when it is made.
    options = s3_options(
        bucket=read("ARTIFACTS_S3_BUCKET"),
        location=read("ARTIFACTS_S3_PREFIX"),
        endpoint_url=read("ARTIFACTS_S3_ENDPOINT_URL"),
        region=read("ARTIFACTS_S3_REGION"),
        access_key=read("ARTIFACTS_S3_ACCESS_KEY"),
        secret_key=read("ARTIFACTS_S3_SECRET_KEY"),
        addressing=read("ARTIFACTS_S3_ADDRESSING"),
        connect_seconds=read("ARTIFACTS_S3_CONNECT_SECONDS"),
        read_seconds=read("ARTIFACTS_S3_READ_SECONDS"),
        tries=read("ARTIFACTS_S3_TRIES"),
        ca_file=read("ARTIFACTS_S3_CA_FILE"),
        encryption=read("ARTIFACTS_S3_ENCRYPTION"),
        kms_key=read("ARTIFACTS_S3_KMS_KEY"),
    )
    if bool(options["access_key"]) != bool(options["secret_key"]):
        raise SystemExit(
            "Configuration: ARTIFACTS_S3_ACCESS_KEY and ARTIFACTS_S3_SECRET_KEY belong together: set both, or neither."
        )
    if read("ARTIFACTS_S3_KMS_KEY") and read("ARTIFACTS_S3_ENCRYPTION") != "aws:kms":
        raise SystemExit("Configuration: ARTIFACTS_S3_KMS_KEY needs ARTIFACTS_S3_ENCRYPTION=aws:kms.")
    if options["bucket_name"]:
        return {"BACKEND": S3_BACKEND, "OPTIONS": options}
    location = {"location": folder, "base_url": None}
    return {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": location}


def s3_options(  # noqa: PLR0913 - one for each setting
    *,
    bucket: str,
    location: str = "",
    endpoint_url: str = "",
    region: str = "",
    access_key: str = "",
    secret_key: str = "",
    addressing: Literal["auto", "path", "virtual"] = "auto",
    connect_seconds: int = 5,
    read_seconds: int = 20,
    tries: int = 3,
    ca_file: Path | None = None,
    encryption: str = "",
    kms_key: str = "",
) -> dict[str, Any]:
    """The options of django-storages' S3Storage; without keys, boto3 finds the role of the machine."""
    encrypted = {"ServerSideEncryption": encryption} if encryption else {}
    if kms_key:
        encrypted["SSEKMSKeyId"] = kms_key
    return {
        "bucket_name": bucket,
        "location": location,
        "endpoint_url": endpoint_url or None,
        "region_name": region or None,
        "access_key": access_key or None,
        "secret_key": secret_key or None,
        "verify": str(ca_file) if ca_file else None,
        "default_acl": None,
        "querystring_auth": True,
        "file_overwrite": True,
        "object_parameters": encrypted,
        "client_config": Config(
            signature_version="s3v4",
            connect_timeout=connect_seconds,
            read_timeout=read_seconds,
            max_pool_connections=32,
            retries={"total_max_attempts": tries, "mode": "standard"},
            # The body's SHA-256 is part of the signature, over TLS too: what was altered on its way is refused, by any
            # server. The checksums boto3 adds by itself are unknown to some.
            s3={"addressing_style": addressing, "payload_signing_enabled": True},
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    }
