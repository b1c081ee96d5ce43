#!/bin/sh
# make-secrets.sh FOLDER: the passwords of the services, a file each in FOLDER, made once. Those that the environment gives
# (SECRET_KEY, POSTGRES_PASSWORD) are written instead. Files that are there stay, so that a second start finds the same.
set -eu
folder="$1"
umask 077

# keep NAME VALUE: a file whole or not at all, for the user of the application's images (1000).
keep() {
    printf '%s' "$2" >"$folder/.$1.new"
    if [ "$(id -u)" -eq 0 ]; then chown 1000 "$folder/.$1.new"; fi
    mv "$folder/.$1.new" "$folder/$1"
}

made() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }

# settle NAME GIVEN
settle() {
    if [ -n "$2" ]; then keep "$1" "$2"; elif [ ! -s "$folder/$1" ]; then keep "$1" "$(made)"; fi
}

settle secret_key "${SECRET_KEY:-}"
settle postgres_password "${POSTGRES_PASSWORD:-}"
settle redis_password ""
if [ "$(id -u)" -eq 0 ]; then chmod 711 "$folder"; fi
