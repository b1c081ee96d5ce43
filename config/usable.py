"""Ends a web server, a worker or the demo before it begins, where its settings cannot work; Django sees to that for commands alone."""

from __future__ import annotations

import sys

import django
from django.core.checks import WARNING, run_checks


def end_unless_usable() -> None:
    """Set Django up; end this process with exit code 1 and say what is wrong, where Django's checks find an error.

    Without it a web process would answer 500 to everything that needs the setting, and a worker would embed nothing.
    A warning is written, and ends nothing.
    """
    django.setup()
    issues = [issue for issue in run_checks() if issue.level >= WARNING and not issue.is_silenced()]
    errors = [str(issue) for issue in issues if issue.is_serious()]
    if errors:
        sys.exit("\n".join(errors))
    for issue in issues:
        print(issue, file=sys.stderr)
