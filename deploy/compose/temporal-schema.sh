#!/bin/sh
# Temporal's two databases at the newest schema; repeatable. They were made, empty, by `socialcare databases`.
set -eu
SQL_PASSWORD="$(cat /run/secrets/temporal-password)"
export SQL_PASSWORD
for part in temporal visibility; do
    database=temporal
    [ "$part" = visibility ] && database=temporal_visibility
    tool="temporal-sql-tool --plugin postgres12 --endpoint postgres --port 5432 --user temporal --database $database"
    $tool setup-schema --version 0.0 || echo "$database: has a schema"
    $tool update-schema --schema-dir "/etc/temporal/schema/postgresql/v12/$part/versioned"
done
