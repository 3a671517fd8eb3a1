#!/bin/sh
# Restores MLflow's database from a dump: restore_mlflow.sh FILE. MLflow is locked out meanwhile.
set -eu
ask() { mysql --host="$MYSQL_HOST" --user="$MYSQL_USER" "$@"; }

ask --execute="ALTER USER mlflow ACCOUNT LOCK"
ask --skip-column-names --execute="SELECT CONCAT('KILL ', id, ';') FROM information_schema.processlist WHERE user = 'mlflow'" |
  ask --force  # one that has just gone cannot be killed
ask --database=mlflow <"$1"
ask --execute="ALTER USER mlflow ACCOUNT UNLOCK"
