"""Settings under test: the real ones, with the values a machine without any configuration lacks."""

from __future__ import annotations

import os

os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 40)
os.environ.setdefault("FIELD_ENCRYPTION_KEYS", "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
os.environ.setdefault("LOG_JSON", "true")
os.environ.setdefault("EMAIL_URL", "memorymail://")
os.environ.setdefault("OPERATORS_NEED_SECOND_FACTOR", "false")  # tests of the second factor switch it on

from config.settings import *  # noqa: F403 - the environment above must be set first

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # noqa: F405 - whitenoise warns of a folder that is not there
