"""Settings of automations and the browsers they drive: where they are found, what pages may do, sight."""

from __future__ import annotations

from config import env_rules as rules
from config.env_setting import Setting

ROWS = (
    Setting(
        "AUTOMATION_MODULES",
        "list",
        [],
        "Python packages with further automations, beside automations.library.",
    ),
    Setting("BROWSER_EXECUTABLE", "str", "", "Chromium to use; empty: look for one."),
    Setting(
        "BROWSER_ALLOW_PRIVATE",
        "list",
        [],
        "host:port entries of private or loopback addresses a browser may open.",
        rules.hosts_and_ports,
    ),
    Setting(
        "BROWSER_SHARED",
        "bool",
        True,
        "All worker processes of a node share one browser, each attempt in a context of its own; off: a browser each.",
    ),
    Setting(
        "BROWSER_MAX_ATTEMPTS",
        "int",
        50,
        "Attempts after which a browser is replaced; those under way end on the old one.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_AGE_SECONDS",
        "int",
        3600,
        "Age after which a browser is replaced; those under way end on the old one.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_MEMORY_MB",
        "int",
        1500,
        "Memory of a browser's processes, for each attempt at work in it, after which it is replaced.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_PAGE_MEMORY_MB",
        "int",
        1024,
        "Memory of one page's process, at which it is ended; other pages of its browser go on.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_TRAFFIC_MB",
        "int",
        512,
        "Most an attempt's browser may receive.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_DOWNLOAD_MB",
        "int",
        64,
        "Longest file a page may let it download; a longer one is broken off while it comes.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_WINDOWS",
        "int",
        20,
        "Most windows an attempt and its pages may open.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_DIALOGS",
        "int",
        100,
        "Most dialogs the pages of an attempt may show.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_REDIRECTS",
        "int",
        50,
        "Most pages a site may lead through by itself in half a minute of one step.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_HTML_MB",
        "int",
        5,
        "What is kept of one document; the rest is cut, with a note.",
        rules.at_least(1),
    ),
    Setting(
        "BROWSER_MAX_LOG_LINES",
        "int",
        10000,
        "Lines kept of an attempt's console, and as many of its requests; the oldest go.",
        rules.at_least(1),
    ),
    Setting(
        "VISION_PROVIDERS",
        "list",
        ["ocr"],
        "Who looks at pictures of pages where nothing else finds a target, in this order: ocr (on this machine), gemini "
        "(pictures go to Google, secrets blacked out). Both need requirements-vision.txt; empty: nobody.",
        rules.providers_of_sight,
    ),
    Setting(
        "VISION_MODEL_TOKENS",
        "int",
        20000,
        "Most model tokens an attempt may spend on sight, whatever its automation says.",
        rules.at_least(0),
    ),
    Setting("GEMINI_API_KEY", "str", "", "Key of the Gemini API, for VISION_PROVIDERS with gemini."),
    Setting("GEMINI_MODEL", "str", "gemini-2.5-flash", "Model that looks at pictures."),
    Setting(
        "GEMINI_BASE_URL",
        "str",
        "",
        "Address of a service that speaks the Gemini API; empty: Google's own.",
        rules.empty_or_web_address,
    ),
)
