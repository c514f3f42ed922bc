"""What every part of the system shares: clock, ids, redaction, crypto, logs, blobs, keys, audit, mail.

The lowest layer. It may be imported by every other package and imports none of them: to it a customer, an automation
or a run is an opaque string, never a foreign key upward. `clock`, `ids`, `redaction`, `blobs.protocol`,
`blobs.file_store` and `http` work without Django, for programs that drive a browser and nothing else.
"""
