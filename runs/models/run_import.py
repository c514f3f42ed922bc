"""Where an imported run comes from."""

from __future__ import annotations

from django.db import models

from runs.models.run import Run


class RunImport(models.Model):
    """That a run happened elsewhere, and was brought here as a file.

    `origin` is the run's id there, which makes a repeated import the same run. `about` says in text what has no row here:
    the automation's key, the version's number and digest, who asked for it and why, and what the file left out.
    """

    run = models.OneToOneField(Run, on_delete=models.CASCADE, primary_key=True, related_name="imported")
    origin = models.UUIDField(unique=True)
    about = models.JSONField(default=dict)
    imported_at = models.DateTimeField()
    imported_by = models.CharField(max_length=200)

    def __str__(self) -> str:
        return f"import of {self.origin}"
