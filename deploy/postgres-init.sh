#!/bin/sh
# Runs once, when the database is made. The programs log in as a user that owns nothing and is no superuser: it is only a
# member of the roles that its transactions switch to, so row-level security holds for it. They refuse any other.
set -eu
psql -v ON_ERROR_STOP=1 -v password="$RELEVE_LOGIN_PASSWORD" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
create role releve_owner nologin;
create role releve_app nologin;
create role releve_tenant nologin;
create role releve_login login noinherit password :'password' in role releve_app, releve_tenant;
SQL
