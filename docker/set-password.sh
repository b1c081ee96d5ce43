#!/bin/sh
# set-password.sh FILE: give the database's user the password that FILE holds. Postgres takes a password from the environment only
# when its data is made, so a database that has another one, such as one of an earlier version, gets this one now. To be run where
# Postgres is at 127.0.0.1 and trusts that address, as the image sets it up.
set -eu
password="$(cat "$1")"
psql --host "${PGHOST:-127.0.0.1}" --username lookalike --dbname lookalike --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --set password="$password" <<'SQL'
SET password_encryption = 'scram-sha-256';
ALTER ROLE lookalike PASSWORD :'password';
SQL
