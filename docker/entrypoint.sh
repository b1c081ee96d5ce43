#!/bin/sh
# What a container runs: entrypoint.sh web | worker | beat | migrate | setup | manage ARGUMENTS…
set -eu
cd "$(dirname "$0")/.."
command="${1:-web}"
[ $# -eq 0 ] || shift

case "$command" in
web)     exec python -m config.web --host "${HOST:-0.0.0.0}" --port "${PORT:-8000}" "$@" ;;
# Of every queue, unless it is told which: --queues celery (photos and all else), --queues feeds.
worker)  exec python -m celery -A config worker --loglevel "${LOG_LEVEL:-INFO}" --without-gossip --without-mingle "$@" ;;
beat)    exec python -m celery -A config beat --loglevel "${LOG_LEVEL:-INFO}" --pidfile= "$@" ;;
migrate) exec python manage.py migrate --no-input "$@" ;;
# Before the others start, and again after an update: tables, then the encoder if its compiled form is missing (TensorFlow).
setup)   python manage.py migrate --no-input && exec python manage.py compile_encoder "$@" ;;
manage)  exec python manage.py "$@" ;;
*)       echo "entrypoint.sh: unknown command '$command'; there are: web worker beat migrate setup manage" >&2; exit 2 ;;
esac
