"""Flow documents in files; what they include lies beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from webgraph.documents.reading import problems_in, read_flow
from webgraph.documents.shared import SharedInFolder

if TYPE_CHECKING:
    from pathlib import Path

    from webgraph.documents.problems import FlowProblem
    from webgraph.documents.reading import Flow


def flow_in_file(path: Path) -> Flow:
    """The flow of a document; FlowDocumentError says what is wrong with it, OSError that it is not there."""
    return read_flow(path.read_text(encoding="utf-8"), shared=SharedInFolder(path.parent))


def problems_in_file(path: Path) -> list[FlowProblem]:
    """Everything wrong with a document of either kind; empty when it is fine."""
    return problems_in(path.read_text(encoding="utf-8"), shared=SharedInFolder(path.parent))
