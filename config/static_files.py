"""The console's static files: under names that tell their content once they were collected, else under plain ones."""

from __future__ import annotations

from whitenoise.storage import (  # type: ignore[import-untyped]  # it has no stubs
    CompressedManifestStaticFilesStorage,
)


class CollectedStaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # as above
    """Hashed names, which browsers keep for ever, for what `collectstatic` collected and compressed.

    A file that was not collected keeps its plain name and is served from where its package keeps it, so that a checkout
    nobody prepared works, too.
    """

    def stored_name(self, name: str) -> str:
        """The name of a file's collected copy; its own where there is none."""
        try:
            return str(super().stored_name(name))
        except ValueError:  # the manifest has no such file
            return name
