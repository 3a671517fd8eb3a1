CREATE TABLE audit__attempts (
  id INTEGER NOT NULL,
  "case" TEXT NOT NULL,
  source TEXT NOT NULL,
  object_key TEXT NOT NULL,
  outcome TEXT NOT NULL,
  format TEXT DEFAULT '' NOT NULL,
  number INTEGER,
  sha256 TEXT DEFAULT '' NOT NULL,
  detail TEXT DEFAULT '' NOT NULL,
  started_at DATETIME NOT NULL,
  closed_at DATETIME,
  PRIMARY KEY (id)
);

CREATE INDEX attempts_by_outcome ON audit__attempts ("case", source, outcome);

CREATE TABLE audit__batches (
  id INTEGER NOT NULL,
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
  loaded_at DATETIME NOT NULL,
  prepared_at DATETIME,
  PRIMARY KEY (id),
  CONSTRAINT batches_once UNIQUE ("case", source, number)
);

CREATE TABLE quarantine__cells (
  batch_id INTEGER NOT NULL,
  position INTEGER NOT NULL,
  "column" TEXT NOT NULL,
  value TEXT NOT NULL,
  reason TEXT NOT NULL
);

CREATE INDEX cells_by_row ON quarantine__cells (batch_id, position);

CREATE TABLE audit__requests (
  id INTEGER NOT NULL,
  "case" TEXT NOT NULL,
  reason TEXT NOT NULL,
  asked_at DATETIME NOT NULL,
  decision_id INTEGER,
  PRIMARY KEY (id)
);

CREATE INDEX requests_by_case ON audit__requests ("case", decision_id);

CREATE TABLE audit__decisions (
  id INTEGER NOT NULL,
  "case" TEXT NOT NULL,
  batch_id INTEGER NOT NULL,
  request_id INTEGER,
  action TEXT NOT NULL,
  sentence TEXT NOT NULL,
  evidence TEXT NOT NULL,
  policy TEXT NOT NULL,
  decided_at DATETIME NOT NULL,
  PRIMARY KEY (id)
);

CREATE UNIQUE INDEX decisions_once ON audit__decisions ("case", batch_id, coalesce(request_id, 0));

CREATE TABLE audit__trainings (
  id INTEGER NOT NULL,
  "case" TEXT NOT NULL,
  decision_id INTEGER NOT NULL,
  version TEXT NOT NULL,
  run_id TEXT NOT NULL,
  estimator TEXT NOT NULL,
  batches TEXT NOT NULL,
  rows TEXT NOT NULL,
  data_sha256 TEXT NOT NULL,
  metrics TEXT NOT NULL,
  seconds DOUBLE NOT NULL,
  trained_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  FOREIGN KEY(decision_id) REFERENCES audit__decisions (id),
  UNIQUE (decision_id)
);

CREATE INDEX trainings_by_case ON audit__trainings ("case");

CREATE TABLE audit__verdicts (
  id INTEGER NOT NULL,
  "case" TEXT NOT NULL,
  decision_id INTEGER NOT NULL,
  ruling TEXT NOT NULL,
  challenger TEXT NOT NULL,
  champion TEXT,
  contest_number INTEGER NOT NULL,
  sentence TEXT NOT NULL,
  evidence TEXT NOT NULL,
  ruled_at DATETIME NOT NULL,
  PRIMARY KEY (id),
  FOREIGN KEY(decision_id) REFERENCES audit__decisions (id),
  UNIQUE (decision_id)
);

CREATE INDEX verdicts_by_case ON audit__verdicts ("case");

CREATE TABLE audit__moves (
  id INTEGER NOT NULL,
  "case" TEXT NOT NULL,
  kind TEXT NOT NULL,
  version TEXT NOT NULL,
  previous TEXT,
  reason TEXT NOT NULL,
  verdict_id INTEGER,
  asked_at DATETIME NOT NULL,
  done_at DATETIME,
  PRIMARY KEY (id),
  FOREIGN KEY(verdict_id) REFERENCES audit__verdicts (id),
  UNIQUE (verdict_id)
);

CREATE INDEX moves_by_case ON audit__moves ("case");

CREATE TABLE audit__gaps (
  "case" TEXT NOT NULL,
  source TEXT NOT NULL,
  number INTEGER NOT NULL,
  reason TEXT NOT NULL,
  accepted_at DATETIME NOT NULL,
  PRIMARY KEY ("case", source, number)
);

CREATE TABLE audit__leases (
  "case" TEXT NOT NULL,
  token INTEGER NOT NULL,
  holder TEXT NOT NULL,
  host TEXT NOT NULL,
  pid INTEGER NOT NULL,
  process TEXT NOT NULL,
  since DATETIME NOT NULL,
  expires_at DATETIME NOT NULL,
  PRIMARY KEY ("case")
);

CREATE TABLE predictions__log (
  receipt TEXT NOT NULL,
  "case" TEXT NOT NULL,
  environment TEXT NOT NULL,
  at DATETIME NOT NULL,
  version TEXT,
  input TEXT NOT NULL,
  output DOUBLE,
  output_text TEXT,
  status INTEGER NOT NULL,
  error TEXT DEFAULT '' NOT NULL,
  latency_ms DOUBLE,
  PRIMARY KEY (receipt)
);

CREATE INDEX log_by_time ON predictions__log ("case", environment, at);

CREATE TABLE predictions__labels (
  receipt TEXT NOT NULL,
  at DATETIME NOT NULL,
  truth TEXT NOT NULL,
  PRIMARY KEY (receipt, at)
);
