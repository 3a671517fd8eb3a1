-- Run by the owner of all tables, relevo_loop, after each migration.
GRANT USAGE ON SCHEMA predictions, audit TO relevo_api;
GRANT SELECT ON ALL TABLES IN SCHEMA predictions, audit TO relevo_api;
GRANT INSERT, UPDATE ON ALL TABLES IN SCHEMA predictions TO relevo_api;
GRANT INSERT, UPDATE ON audit.moves TO relevo_api;
GRANT USAGE ON SEQUENCE audit.moves_id_seq TO relevo_api;

-- The UI reads, and a table that a new use case brings is read as well.
GRANT USAGE ON SCHEMA raw, clean, quarantine, predictions, audit TO relevo_ui;
GRANT SELECT ON ALL TABLES IN SCHEMA raw, clean, quarantine, predictions, audit TO relevo_ui;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO relevo_ui;
