"""Settings of what leaves and what comes in: mail, alerts, the edge."""

from __future__ import annotations

from config import env_rules as rules
from config.env_setting import Setting

ROWS = (
    Setting(
        "EMAIL_URL",
        "str",
        "consolemail://",
        "smtp+tls://user:password@host:587 and the like; default: mails are printed to the log.",
    ),
    Setting("EMAIL_FROM", "str", "automation@localhost", "Sender of e-mails."),
    Setting(
        "ALERT_EMAILS",
        "list",
        [],
        "Who is mailed every alert, beside the channels made in the console.",
    ),
    Setting(
        "MAIL_BURST",
        "int",
        10,
        "Alerts a recipient gets one by one within ten minutes; what comes beyond that is one digest.",
        rules.at_least(1),
    ),
    Setting(
        "MAIL_PICTURES",
        "bool",
        True,
        "Whether mails about a run show a small redacted picture of the step it ended in.",
    ),
    Setting(
        "ALERT_ALLOW_PRIVATE",
        "list",
        [],
        "host:port entries of private or loopback addresses, or without TLS, that alerts may be posted to.",
        rules.hosts_and_ports,
    ),
    Setting(
        "ALERT_FAILURES_IN_A_ROW",
        "int",
        3,
        "After so many failures in a row of an automation for a customer there is an alert.",
        rules.at_least(2),
    ),
    Setting(
        "ALERT_LATE_SECONDS",
        "int",
        120,
        "How late a schedule may fire before there is an alert.",
        rules.at_least(1),
    ),
    Setting(
        "ALERT_QUEUE_SECONDS",
        "int",
        600,
        "How long a run that could start may wait for a worker before there is an alert about its queue.",
        rules.at_least(1),
    ),
    Setting(
        "EDGE_KEYS",
        "list",
        [],
        "Keys the edge Worker signs its batches with, as key-id:secret (64 hexadecimal digits), newest first; empty: no "
        "webhooks are taken.",
        rules.edge_keys,
    ),
    Setting(
        "EDGE_CONTROL_KEYS",
        "list",
        [],
        "Keys this server signs its orders to the edge Worker with, in the same form; other ones than EDGE_KEYS.",
        rules.edge_keys,
    ),
    Setting(
        "EDGE_WORKER_URL",
        "str",
        "",
        "Address of the edge Worker, which senders post to and `edge sync` speaks to; empty: there is none.",
        rules.empty_or_web_address,
    ),
    Setting(
        "PUBLIC_URL",
        "str",
        "http://127.0.0.1:8000",
        "Address of the console, used in links of mails.",
        rules.web_address,
    ),
)
