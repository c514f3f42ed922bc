"""How much the pages of one attempt may do before they are stopped: a page may be anybody's."""

from __future__ import annotations

from dataclasses import dataclass

from webgraph.errors import LimitError

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one attempt. Each message of a limit that was passed names the setting that raises it."""

    traffic_bytes: int = 512 * MEGABYTE
    """What the browser may receive for the attempt, as it comes over the network."""
    download_bytes: int = 64 * MEGABYTE
    """One downloaded file."""
    windows: int = 20
    """Windows that pages, or the automation, open."""
    dialogs: int = 100
    redirects: int = 50
    """Documents that windows may go through by themselves, without a step, in half a minute."""
    html_bytes: int = 5 * MEGABYTE
    """What is kept of one document, or of one accessibility tree."""
    log_lines: int = 10_000
    """What is kept of the console, and of the requests."""
    page_memory_bytes: int = 1024 * MEGABYTE
    """One page's process; whoever starts the browser watches it (`webgraph.browser.memory_watch`)."""

    def traffic(self) -> LimitError:
        """The attempt received too much."""
        return _passed(f"The pages received more than {_size(self.traffic_bytes)}", "BROWSER_MAX_TRAFFIC_MB")

    def download(self) -> LimitError:
        """A file is too long."""
        words = f"The download was broken off: it has more than {_size(self.download_bytes)}"
        return _passed(words, "BROWSER_MAX_DOWNLOAD_MB")

    def too_many_windows(self) -> LimitError:
        """Windows opened without end."""
        return _passed(f"More than {self.windows} windows were opened", "BROWSER_MAX_WINDOWS")

    def too_many_dialogs(self) -> LimitError:
        """Dialogs came without end."""
        return _passed(f"The pages showed more than {self.dialogs} dialogs", "BROWSER_MAX_DIALOGS")

    def too_many_redirects(self) -> LimitError:
        """Pages led to one another without end."""
        words = f"The site led through more than {self.redirects} pages by itself"
        return _passed(words, "BROWSER_MAX_REDIRECTS")

    def memory(self) -> str:
        """A page's process was ended for what it took."""
        return (
            f"The page's process was ended: a page took more than {_size(self.page_memory_bytes)} of memory, "
            "which is the limit (BROWSER_MAX_PAGE_MEMORY_MB)."
        )

    def document_cut(self, size: int) -> str:
        """What is said where a document was cut."""
        return (
            f"Cut: it has {size:,} characters, and less than {_size(self.html_bytes)} is kept "
            "(BROWSER_MAX_HTML_MB)."
        )


def _passed(words: str, setting: str) -> LimitError:
    return LimitError(f"{words}, which is the limit ({setting}).")


def _size(size_bytes: int) -> str:
    return f"{size_bytes / MEGABYTE:,.4g} MB"
