-- Refuses everybody but the superuser and ends open sessions: nothing is written during a restore.
-- open.sql undoes it; a restore that fails leaves the databases locked.
ALTER DATABASE airflow CONNECTION LIMIT 0;
ALTER DATABASE relevo CONNECTION LIMIT 0;

SELECT pg_terminate_backend(pid)
FROM pg_stat_activity
WHERE datname IN ('airflow', 'relevo') AND pid <> pg_backend_pid();
