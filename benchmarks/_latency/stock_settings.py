"""Django settings of stock django-q2: its defaults, on the database of this system and with as many worker processes."""

from __future__ import annotations

from config import env

SECRET_KEY = env.read("SECRET_KEY")
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = ["django_q"]
DATABASES = {"default": env.database(env.read("DATA_DIR") / "automation.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
Q_CLUSTER = {
    "name": "stock",
    "orm": "default",
    "workers": env.read("WORKER_PROCESSES"),
    # Its warning about a retry time below the timeout is the only thing these two change for work this short.
    "timeout": 60,
    "retry": 90,
}
