#!/bin/sh
# What a container runs: entrypoint.sh web | worker | beat | migrate | setup | manage ARGUMENTS…
set -eu
cd "$(dirname "$0")/.."
command="${1:-web}"
[ $# -eq 0 ] || shift

# What compose made (make-secrets.sh) and the environment does not say. libpq, and so Django, takes PGPASSWORD where DATABASE_URL has
# no password.
secrets="${SECRETS:-/run/lookalike}"
if [ -z "${SECRET_KEY:-}" ] && [ -r "$secrets/secret_key" ]; then
    SECRET_KEY="$(cat "$secrets/secret_key")"
    export SECRET_KEY
fi
if [ -z "${PGPASSWORD:-}" ] && [ -r "$secrets/postgres_password" ]; then
    PGPASSWORD="$(cat "$secrets/postgres_password")"
    export PGPASSWORD
fi
if [ -r "$secrets/redis_password" ]; then
    case "${REDIS_URL:-}" in
    redis://redis:*) REDIS_URL="redis://:$(cat "$secrets/redis_password")@${REDIS_URL#redis://}"; export REDIS_URL ;;
    esac
fi

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
