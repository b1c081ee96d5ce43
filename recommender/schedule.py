"""Beat's schedule: what runs without being asked. Every entry may run twice, or on two beats, without harm."""

from __future__ import annotations

from typing import Any

from celery.schedules import crontab
from django.conf import settings

BEAT_SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep the queue": {"task": "recommender.tasks.sweep", "schedule": settings.SWEEP_SECONDS},
    "sweep files that no photo names": {"task": "recommender.tasks.sweep_files", "schedule": crontab(minute="17")},
    "find placeholders": {"task": "recommender.tasks.find_placeholders", "schedule": settings.SWEEP_SECONDS},
    "sweep hashes of files that are gone": {"task": "recommender.tasks.sweep_hashes", "schedule": crontab(minute="27")},
    "begin and end sales": {"task": "catalog.tasks.turn_sales", "schedule": 20.0},  # within a minute of their dates
    "hide what has expired": {"task": "catalog.tasks.hide_expired", "schedule": 20.0},
    "ask for new photos behind old URLs": {"task": "catalog.tasks.ask_for_new_photos", "schedule": 10.0},
    "read feeds that are due": {"task": "catalog.tasks.run_feeds", "schedule": 10.0},
    "do what was asked for on pages": {"task": "catalog.tasks.run_errands", "schedule": 10.0},
    "measure recall": {"task": "recommender.tasks.measure_recall", "schedule": settings.RECALL_SECONDS},
    "improve the space": {"task": "recommender.tasks.improve_space", "schedule": settings.IMPROVE_SECONDS},
    "say what scores mean": {"task": "recommender.tasks.calibrate_space", "schedule": settings.IMPROVE_SECONDS},
    # Asked for every hour and taken once a day, so that a day on which no worker ran at one hour has its sample at another.
    "take the day's sample": {"task": "recommender.tasks.take_daily_sample", "schedule": crontab(minute="37")},
    "look for drift": {"task": "recommender.tasks.check_drift", "schedule": crontab(minute="47")},
}
