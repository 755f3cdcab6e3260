#!/bin/sh
# As the official image does: a cluster with the administrator's password, reached from everywhere with a password.
set -eu
if [ ! -f /data/cluster/PG_VERSION ]; then
    initdb -D /data/cluster -U postgres -A scram-sha-256 --pwfile="$POSTGRES_PASSWORD_FILE" -E UTF8 --locale=C.UTF-8
    echo 'host all all all scram-sha-256' >> /data/cluster/pg_hba.conf
fi
exec postgres -D /data/cluster -c listen_addresses='*' -c unix_socket_directories= -c max_connections=300 \
    -c log_error_verbosity=terse -c log_min_error_statement=panic
