-- From here on nobody but the superuser gets into the databases, and who is in is sent out, so that nothing is
-- written while they are put back. open.sql ends it; a restore that fails leaves them locked.
ALTER DATABASE airflow CONNECTION LIMIT 0;
ALTER DATABASE relevo CONNECTION LIMIT 0;

SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE datname IN ('airflow', 'relevo') AND pid <> pg_backend_pid();
