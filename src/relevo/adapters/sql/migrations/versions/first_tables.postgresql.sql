CREATE TABLE audit.attempts (
  id SERIAL NOT NULL,
  "case" TEXT NOT NULL,
  source TEXT NOT NULL,
  object_key TEXT NOT NULL,
  outcome TEXT NOT NULL,
  format TEXT DEFAULT '' NOT NULL,
  number INTEGER,
  sha256 TEXT DEFAULT '' NOT NULL,
  detail TEXT DEFAULT '' NOT NULL,
  started_at TIMESTAMP WITH TIME ZONE NOT NULL,
  closed_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (id)
);

CREATE INDEX attempts_by_outcome ON audit.attempts ("case", source, outcome);

CREATE TABLE audit.batches (
  id SERIAL NOT NULL,
  "case" TEXT NOT NULL,
  source TEXT NOT NULL,
  number INTEGER NOT NULL,
  rows INTEGER NOT NULL,
  bad_rows INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  content_sha256 TEXT NOT NULL,
  object_key TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT DEFAULT '' NOT NULL,
  loaded_at TIMESTAMP WITH TIME ZONE NOT NULL,
  prepared_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (id),
  CONSTRAINT batches_once UNIQUE ("case", source, number)
);

CREATE TABLE quarantine.cells (
  batch_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  "column" TEXT NOT NULL,
  value TEXT NOT NULL,
  reason TEXT NOT NULL
);

CREATE INDEX cells_by_row ON quarantine.cells (batch_id, position);

CREATE TABLE audit.requests (
  id SERIAL NOT NULL,
  "case" TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  decision_id INTEGER,
  PRIMARY KEY (id)
);

CREATE INDEX requests_by_case ON audit.requests ("case", decision_id);

CREATE TABLE audit.decisions (
  id SERIAL NOT NULL,
  "case" TEXT NOT NULL,
  batch_id INTEGER NOT NULL,
  request_id INTEGER,
  action TEXT NOT NULL,
  sentence TEXT NOT NULL,
  evidence TEXT NOT NULL,
  policy TEXT NOT NULL,
  decided_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (id)
);

CREATE UNIQUE INDEX decisions_once ON audit.decisions ("case", batch_id, coalesce(request_id, 0));

CREATE TABLE audit.trainings (
  id SERIAL NOT NULL,
  "case" TEXT NOT NULL,
  decision_id INTEGER NOT NULL,
  version TEXT NOT NULL,
  run_id TEXT NOT NULL,
  estimator TEXT NOT NULL,
  batches TEXT NOT NULL,
  rows TEXT NOT NULL,
  data_sha256 TEXT NOT NULL,
  metrics TEXT NOT NULL,
  seconds DOUBLE PRECISION NOT NULL,
  trained_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (id),
  FOREIGN KEY(decision_id) REFERENCES audit.decisions (id),
  UNIQUE (decision_id)
);

CREATE INDEX trainings_by_case ON audit.trainings ("case");

CREATE TABLE audit.verdicts (
  id SERIAL NOT NULL,
  "case" TEXT NOT NULL,
  decision_id INTEGER NOT NULL,
  ruling TEXT NOT NULL,
  challenger TEXT NOT NULL,
  champion TEXT,
  contest_number INTEGER NOT NULL,
  sentence TEXT NOT NULL,
  evidence TEXT NOT NULL,
  ruled_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY (id),
  FOREIGN KEY(decision_id) REFERENCES audit.decisions (id),
  UNIQUE (decision_id)
);

CREATE INDEX verdicts_by_case ON audit.verdicts ("case");

CREATE TABLE audit.moves (
  id SERIAL NOT NULL,
  "case" TEXT NOT NULL,
  kind TEXT NOT NULL,
  version TEXT NOT NULL,
  previous TEXT,
  reason TEXT NOT NULL,
  verdict_id INTEGER,
  asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
  done_at TIMESTAMP WITH TIME ZONE,
  PRIMARY KEY (id),
  FOREIGN KEY(verdict_id) REFERENCES audit.verdicts (id),
  UNIQUE (verdict_id)
);

CREATE INDEX moves_by_case ON audit.moves ("case");

CREATE TABLE audit.gaps (
  "case" TEXT NOT NULL,
  source TEXT NOT NULL,
  number INTEGER NOT NULL,
  reason TEXT NOT NULL,
  accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY ("case", source, number)
);

CREATE TABLE audit.leases (
  "case" TEXT NOT NULL,
  token INTEGER NOT NULL,
  holder TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process TEXT NOT NULL,
  since TIMESTAMP WITH TIME ZONE NOT NULL,
  expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
  PRIMARY KEY ("case")
);

CREATE TABLE predictions.log (
  receipt TEXT NOT NULL,
  "case" TEXT NOT NULL,
  environment TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  version TEXT,
  input TEXT NOT NULL,
  output DOUBLE PRECISION,
  output_text TEXT,
  status INTEGER NOT NULL,
  error TEXT DEFAULT '' NOT NULL,
  latency_ms DOUBLE PRECISION,
  PRIMARY KEY (receipt)
);

CREATE INDEX log_by_time ON predictions.log ("case", environment, at);

CREATE TABLE predictions.labels (
  receipt TEXT NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  truth TEXT NOT NULL,
  PRIMARY KEY (receipt, at)
);
