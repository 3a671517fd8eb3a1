-- Users and databases. Run again it brings passwords to what the Secret says and changes nothing else.
\getenv airflow AIRFLOW_PASSWORD
\getenv relevo_loop RELEVO_LOOP_PASSWORD
\getenv relevo_api RELEVO_API_PASSWORD
\getenv relevo_ui RELEVO_UI_PASSWORD

SELECT format('CREATE ROLE %I LOGIN', name)
FROM unnest(ARRAY['airflow', 'relevo_loop', 'relevo_api', 'relevo_ui']) AS name
WHERE name NOT IN (SELECT rolname FROM pg_roles) \gexec

ALTER ROLE airflow PASSWORD :'airflow';
ALTER ROLE relevo_loop PASSWORD :'relevo_loop';
ALTER ROLE relevo_api PASSWORD :'relevo_api';
ALTER ROLE relevo_ui PASSWORD :'relevo_ui';

SELECT format('CREATE DATABASE %I OWNER %I ENCODING ''UTF8'' TEMPLATE template0', name, owner)
FROM (VALUES ('airflow', 'airflow'), ('relevo', 'relevo_loop')) AS wanted (name, owner)
WHERE name NOT IN (SELECT datname FROM pg_database) \gexec

REVOKE CONNECT ON DATABASE airflow, relevo FROM PUBLIC;
GRANT CONNECT ON DATABASE relevo TO relevo_api, relevo_ui;
GRANT TEMPORARY ON DATABASE relevo TO relevo_api;
