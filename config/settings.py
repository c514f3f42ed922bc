"""Django's settings, made from the environment rows of config/env.py."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_stubs_ext
from csp.constants import NONE, SELF, UNSAFE_INLINE
from django.urls import reverse_lazy

from config import console, env
from config.artifact_storage import artifact_storage
from intake.signatures.edge import parse_keys
from webgraph.limits import MEGABYTE, Limits
from webgraph.vision.settings import VisionSettings

django_stubs_ext.monkeypatch()

BASE_DIR = env.BASE_DIR
DATA_DIR = env.data_folder()

DEBUG = env.read("DEBUG")
SECRET_KEY = env.read("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.read("SECRET_KEY_FALLBACKS")
FIELD_ENCRYPTION_KEYS = env.read("FIELD_ENCRYPTION_KEYS")
ALLOWED_HOSTS = env.read("ALLOWED_HOSTS")
CSRF_TRUSTED_ORIGINS = env.read("CSRF_TRUSTED_ORIGINS")
TRUSTED_PROXIES = env.read("TRUSTED_PROXIES")
PUBLIC_URL = env.read("PUBLIC_URL").rstrip("/")

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # the plain one: the default replaces the admin's site by its own
    "config.apps.ConsoleConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "csp",
    "ninja",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "axes",
    "django_q",
    "infra_shared",
    "automations",
    "runs",
    "intake",
]
MIDDLEWARE = [
    "config.middleware.request_id_middleware",
    "config.middleware.BrowserPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.gzip.GZipMiddleware",
    "config.middleware.ApiMiddleware",
    "config.middleware.DatabaseOutageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "infra_shared.operator_zone.operator_zone_middleware",
    "allauth.account.middleware.AccountMiddleware",
    "infra_shared.sign_in.gate.SessionGate",
    "axes.middleware.AxesMiddleware",  # last: it looks at what the sign-in answered
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database. The web process holds no connection between requests under ASGI (each request would open its own); on
# PostgreSQL it uses psycopg's pool. Worker processes and the dispatcher fork, so they keep one plain connection.
DATABASES: dict[str, dict[str, Any]] = {"default": env.database(DATA_DIR / "automation.sqlite3")}
_options = DATABASES["default"].setdefault("OPTIONS", {})
_is_web = env.process_role() == "web"
if "sqlite3" in DATABASES["default"]["ENGINE"]:
    _options |= {
        "transaction_mode": "IMMEDIATE",
        # A caller is told to come back; a worker process has the time to wait for the lock.
        "timeout": 5 if _is_web else 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA cache_size=-16000;",
    }
else:
    # A server that vanished without a word (its machine or the network died) is noticed within half a minute.
    _options |= {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 20_000,
    }
if _is_web and "sqlite3" not in DATABASES["default"]["ENGINE"]:
    # A pool that goes on trying waits twice as long each time: after an outage of half a minute it would stay away for
    # another one. One that gives up soon begins anew with the next request.
    _options["pool"] = {
        "min_size": 1,
        "max_size": env.read("DATABASE_POOL_MAX"),
        "timeout": 5,
        "reconnect_timeout": 2,
    }
DATABASES["default"]["CONN_MAX_AGE"] = 0 if _is_web else 600
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Time and language
USE_TZ = True
TIME_ZONE = env.read("TIME_ZONE")
LANGUAGE_CODE = "en-us"
USE_I18N = False

# Files
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "templates" / "static"]
ARTIFACTS_DIR = DATA_DIR / "artifacts"
ARTIFACTS_SPOOL_DIR = env.read("ARTIFACTS_SPOOL_DIR") or DATA_DIR / "spool"
ARTIFACTS_SPOOL_BYTES = env.read("ARTIFACTS_SPOOL_BYTES")
ARTIFACTS_SPOOL_LOST = timedelta(hours=env.read("ARTIFACTS_SPOOL_LOST_HOURS"))
STORAGES: dict[str, dict[str, Any]] = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "config.static_files.CollectedStaticFiles"
    },
    "artifacts": artifact_storage(env.read, folder=ARTIFACTS_DIR),
}
# Served from where the packages keep them, so a fresh checkout needs no collecting. Where `collectstatic` was run,
# its compressed copies come first, under names that browsers may keep for ever.
WHITENOISE_USE_FINDERS = True
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440  # a form beside its files
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000
DATA_UPLOAD_MAX_NUMBER_FILES = 20
FILE_UPLOAD_PERMISSIONS = 0o600

# Sign-in and browser-side security
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "infra_shared.sign_in.backend.OperatorBackend",
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")
_need_factor = env.read("OPERATORS_NEED_SECOND_FACTOR")
OPERATORS_NEED_SECOND_FACTOR = not DEBUG if _need_factor is None else _need_factor
SIGN_IN_FAILURES_PER_MINUTE = env.read("SIGN_IN_FAILURES_PER_MINUTE")
SESSION_IDLE = timedelta(seconds=env.read("SESSION_IDLE_SECONDS"))
SESSION_MAX = timedelta(seconds=env.read("SESSION_MAX_SECONDS"))
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = int(SESSION_MAX.total_seconds())
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
X_FRAME_OPTIONS = "DENY"  # the console frames captured pages and traces, whose answers say so themselves
SECURE_REFERRER_POLICY = "same-origin"
DEFAULT_EXCEPTION_REPORTER_FILTER = "config.error_reports.ReportFilter"
SESSION_ENGINE = "infra_shared.sign_in.sessions"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
if env.read("BEHIND_TLS_PROXY"):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_SSL_REDIRECT = True
    SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds())
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # A browser takes these names from this host alone, over TLS: no sibling host can plant one.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"

# allauth: name and password, then a code. Its limits count in each process alone; ours count in the database.
ACCOUNT_ADAPTER = "infra_shared.sign_in.adapters.AccountAdapter"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_RATE_LIMITS = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = int(timedelta(minutes=15).total_seconds())
ACCOUNT_SESSION_REMEMBER = True
MFA_ADAPTER = "infra_shared.sign_in.adapters.SecondFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_RECOVERY_CODES_SHOW_ONCE = True
MFA_TOTP_TOLERANCE = 1  # half a minute either way: telephones' clocks are not exact
MFA_RATE_LIMITS = False

# axes: failed sign-ins of a name from an address.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.read("SIGN_IN_FAILURES")
AXES_COOLOFF_TIME = timedelta(seconds=env.read("SIGN_IN_LOCKED_SECONDS"))
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # so that the page's "try again at" is true
AXES_DISABLE_ACCESS_LOG = True  # the audit log tells who signed in
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "infra_shared.sign_in.lockout.counted_address"
AXES_USERNAME_CALLABLE = "infra_shared.sign_in.lockout.counted_name"
AXES_LOCKOUT_CALLABLE = "infra_shared.sign_in.lockout.locked_out"
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "csrfmiddlewaretoken", "code", "next"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF],
        "style-src": [SELF, UNSAFE_INLINE],
        "img-src": [SELF, "data:"],
        "font-src": [SELF, "data:"],
        "connect-src": [SELF],
        "frame-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [SELF],
    },
}

# E-mail and alerts
_email = env.email(env.read("EMAIL_URL"))
EMAIL_BACKEND = _email["EMAIL_BACKEND"]
EMAIL_HOST = _email.get("EMAIL_HOST") or "localhost"
EMAIL_PORT = _email.get("EMAIL_PORT") or 25
EMAIL_HOST_USER = _email.get("EMAIL_HOST_USER") or ""
EMAIL_HOST_PASSWORD = _email.get("EMAIL_HOST_PASSWORD") or ""
EMAIL_USE_TLS = bool(_email.get("EMAIL_USE_TLS"))
EMAIL_USE_SSL = bool(_email.get("EMAIL_USE_SSL"))
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.read("EMAIL_FROM")
ALERT_EMAILS = env.read("ALERT_EMAILS")
MAIL_BURST = env.read("MAIL_BURST")
MAIL_PICTURES = env.read("MAIL_PICTURES")
ALERT_ALLOW_PRIVATE = env.read("ALERT_ALLOW_PRIVATE")
ALERT_FAILURES_IN_A_ROW = env.read("ALERT_FAILURES_IN_A_ROW")
ALERT_LATE = timedelta(seconds=env.read("ALERT_LATE_SECONDS"))
ALERT_QUEUE = timedelta(seconds=env.read("ALERT_QUEUE_SECONDS"))

# API
API_KEY_PREFIX = env.read("API_KEY_PREFIX")
REQUEST_DEADLINE_SECONDS = env.read("REQUEST_DEADLINE_SECONDS")
API_RATE_PER_MINUTE = env.read("API_RATE_PER_MINUTE")
API_FAILURES_PER_MINUTE = env.read("API_FAILURES_PER_MINUTE")

# Edge
EDGE_KEYS = parse_keys(env.read("EDGE_KEYS"))
EDGE_CONTROL_KEYS = parse_keys(env.read("EDGE_CONTROL_KEYS"))
EDGE_WORKER_URL = env.read("EDGE_WORKER_URL").rstrip("/")
ADDRESSES_FILE = DATA_DIR / "addresses.json"  # where `make run` says what it started; nobody else writes it

# Console
UNFOLD = console.UNFOLD
REVIEW_UI = env.read("REVIEW_UI") and (BASE_DIR / "templates" / "review").is_dir()

# Automations and their browsers
AUTOMATION_MODULES = ["automations.library", *env.read("AUTOMATION_MODULES")]
BROWSER_EXECUTABLE = env.read("BROWSER_EXECUTABLE")
BROWSER_ALLOW_PRIVATE = env.read("BROWSER_ALLOW_PRIVATE")
BROWSER_SHARED = env.read("BROWSER_SHARED")
BROWSER_MAX_ATTEMPTS = env.read("BROWSER_MAX_ATTEMPTS")
BROWSER_MAX_AGE = timedelta(seconds=env.read("BROWSER_MAX_AGE_SECONDS"))
BROWSER_MAX_MEMORY_BYTES = env.read("BROWSER_MAX_MEMORY_MB") * 1024 * 1024
PAGE_LIMITS = Limits(
    traffic_bytes=env.read("BROWSER_MAX_TRAFFIC_MB") * MEGABYTE,
    download_bytes=env.read("BROWSER_MAX_DOWNLOAD_MB") * MEGABYTE,
    windows=env.read("BROWSER_MAX_WINDOWS"),
    dialogs=env.read("BROWSER_MAX_DIALOGS"),
    redirects=env.read("BROWSER_MAX_REDIRECTS"),
    html_bytes=env.read("BROWSER_MAX_HTML_MB") * MEGABYTE,
    log_lines=env.read("BROWSER_MAX_LOG_LINES"),
    page_memory_bytes=env.read("BROWSER_MAX_PAGE_MEMORY_MB") * MEGABYTE,
)
VISION = VisionSettings(
    providers=tuple(env.read("VISION_PROVIDERS")),
    gemini_api_key=env.read("GEMINI_API_KEY"),
    gemini_model=env.read("GEMINI_MODEL"),
    gemini_base_url=env.read("GEMINI_BASE_URL"),
)
VISION_MODEL_TOKENS = env.read("VISION_MODEL_TOKENS")

# Execution. The broker's `retry` must never matter: recovery is the lease's work (docs/decisions).
WORKER_QUEUES = env.read("WORKER_QUEUES")
WORKER_PROCESSES = env.read("WORKER_PROCESSES")
CHORES_PROCESSES = env.read("CHORES_PROCESSES")
LEASE = timedelta(seconds=env.read("LEASE_SECONDS"))
STOP_GRACE = timedelta(seconds=env.read("STOP_GRACE_SECONDS"))
QUEUE_TIMEOUT = timedelta(seconds=env.read("QUEUE_TIMEOUT_SECONDS"))
CREDENTIAL_ENV_PREFIXES = env.read("CREDENTIAL_ENV_PREFIXES")
CHECKPOINT_DAYS = env.read("CHECKPOINT_DAYS")
SESSION_FAILED_LOGINS = env.read("SESSION_FAILED_LOGINS")
SESSION_LOCKOUT = timedelta(seconds=env.read("SESSION_LOCKOUT_SECONDS"))
LONGEST_ATTEMPT = timedelta(seconds=env.read("LONGEST_ATTEMPT_SECONDS"))
INPUT_FILE_MAX_BYTES = env.read("INPUT_FILE_MAX_MB") * 1024 * 1024
_LARGEST_BATCH_BYTES = 16 * 1024 * 1024  # of the edge Worker
BODY_MAX_BYTES = max(INPUT_FILE_MAX_BYTES, _LARGEST_BATCH_BYTES) + 1_048_576  # and what frames a file
INPUT_FILE_KEPT = timedelta(days=env.read("INPUT_FILE_DAYS"))
EVENT_KEPT = timedelta(days=env.read("EVENT_DAYS"))
AUDIT_KEPT = timedelta(days=env.read("AUDIT_DAYS"))
ORPHAN_GRACE = timedelta(hours=env.read("ORPHAN_GRACE_HOURS"))
STORAGE_QUOTA_BYTES = env.read("STORAGE_QUOTA_GB") * 1000**3
CHORES_QUEUE = "chores"
_attempt_timeout = int(LONGEST_ATTEMPT.total_seconds()) + 30
_run_cluster = {
    "timeout": _attempt_timeout,
    "retry": 4 * _attempt_timeout,
    "max_attempts": 1,
    "ack_failures": True,
    "workers": WORKER_PROCESSES,
    "scheduler": False,
    "recycle": 200,
    "max_rss": 400_000,
}
Q_CLUSTER: dict[str, Any] = {
    "name": "automation",  # salts every ticket's signature: changing it drops queued tickets
    "orm": "default",
    "poll": 0.1,
    "guard_cycle": 0.5,
    "save_limit": -1,
    "queue_limit": 1,
    "bulk": 1,
    "catch_up": False,
    "label": "Tickets",
    **_run_cluster,
    "ALT_CLUSTERS": {
        **{queue: dict(_run_cluster) for queue in WORKER_QUEUES},
        CHORES_QUEUE: {
            "timeout": 240,
            "retry": 300,
            "max_attempts": 5,
            "ack_failures": False,
            "workers": CHORES_PROCESSES,
            "scheduler": True,
            "poll": 0.5,  # housekeeping is in no hurry
            "recycle": 500,
        },
    },
}

# Logs
LOG_LEVEL = env.read("LOG_LEVEL")
_json = env.read("LOG_JSON")
LOG_JSON = not DEBUG if _json is None else _json
LOGGING_CONFIG = "infra_shared.logging.configure_from_settings"
LOGGING = {"level": LOG_LEVEL, "json": LOG_JSON}
