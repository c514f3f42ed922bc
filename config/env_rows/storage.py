"""Settings of the store of artifacts, and of what waits on a node while it is away."""

from __future__ import annotations

from config import env_rules as rules
from config.env_setting import Setting

ROWS = (
    Setting(
        "ARTIFACTS_S3_BUCKET",
        "str",
        "",
        "Bucket for artifact bytes; empty: files in DATA_DIR.",
        rules.empty_or_bucket,
    ),
    Setting(
        "ARTIFACTS_S3_PREFIX", "str", "", "How the names of artifacts begin in the bucket, such as evidence/."
    ),
    Setting(
        "ARTIFACTS_S3_ENDPOINT_URL",
        "str",
        "",
        "Endpoint of an S3-compatible store; empty: AWS.",
        rules.empty_or_web_address,
    ),
    Setting("ARTIFACTS_S3_REGION", "str", "", "Region of the bucket.", rules.empty_or_region),
    Setting("ARTIFACTS_S3_ACCESS_KEY", "str", "", "Access key; empty: the machine's role."),
    Setting("ARTIFACTS_S3_SECRET_KEY", "str", "", "Secret key belonging to ARTIFACTS_S3_ACCESS_KEY."),
    Setting(
        "ARTIFACTS_S3_ADDRESSING",
        "str",
        "auto",
        "Where the bucket stands in an address: auto, path, or virtual (in the host's name).",
        rules.one_of("auto", "path", "virtual"),
    ),
    Setting(
        "ARTIFACTS_S3_CONNECT_SECONDS",
        "int",
        5,
        "How long to wait for a connection to the store.",
        rules.at_least(1),
    ),
    Setting(
        "ARTIFACTS_S3_READ_SECONDS",
        "int",
        20,
        "How long to wait for each piece of an answer of the store.",
        rules.at_least(1),
    ),
    Setting(
        "ARTIFACTS_S3_TRIES",
        "int",
        3,
        "How often a request to the store is made before it counts as failed.",
        rules.at_least(1),
    ),
    Setting(
        "ARTIFACTS_S3_CA_FILE",
        "path",
        None,
        "File with the certificates to trust for the store; empty: those every program trusts.",
        rules.empty_or_file,
    ),
    Setting(
        "ARTIFACTS_S3_ENCRYPTION",
        "str",
        "",
        "How the store is to encrypt objects: AES256, aws:kms, or empty for the bucket's own way.",
        rules.one_of("", "AES256", "aws:kms"),
    ),
    Setting("ARTIFACTS_S3_KMS_KEY", "str", "", "The key for aws:kms; empty: the account's own."),
    Setting(
        "ARTIFACTS_SPOOL_DIR",
        "path",
        None,
        "Folder on this machine in which artifacts wait while their store is away; empty: `spool` in DATA_DIR.",
    ),
    Setting(
        "ARTIFACTS_SPOOL_BYTES",
        "int",
        2_000_000_000,
        "Most bytes that may wait there; beyond it artifacts are recorded as missing. 0: nothing waits.",
        rules.at_least(0),
    ),
    Setting(
        "ARTIFACTS_SPOOL_LOST_HOURS",
        "int",
        24,
        "What waits on a node that is silent for so long is recorded as missing.",
        rules.at_least(1),
    ),
)
