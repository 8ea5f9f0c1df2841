-- The log as one tree, what is sealed in it, and what watches over it.

CREATE TABLE chain_key (
  client_id UUID NOT NULL,
  id UUID NOT NULL,
  chain_id UUID NOT NULL,
  master TEXT NOT NULL,
  sealed BYTEA,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  destroyed_at TIMESTAMP WITH TIME ZONE,
  CONSTRAINT pk_chain_key PRIMARY KEY (client_id, id),
  CONSTRAINT fk_chain_key_client_id FOREIGN KEY (client_id) REFERENCES client (id),
  CONSTRAINT ck_chain_key_destroyed CHECK ((sealed IS NULL) = (destroyed_at IS NOT NULL))
);
CREATE INDEX ix_chain_key_chain ON chain_key (client_id, chain_id);

CREATE TABLE pending_leaf (
  client_id UUID NOT NULL,
  chain_id UUID NOT NULL,
  n INTEGER NOT NULL,
  CONSTRAINT pk_pending_leaf PRIMARY KEY (client_id, chain_id, n),
  CONSTRAINT fk_pending_leaf_client_id FOREIGN KEY (client_id) REFERENCES client (id)
);

CREATE TABLE leaf_position (
  client_id UUID NOT NULL,
  index BIGINT NOT NULL,
  chain_id UUID NOT NULL,
  n INTEGER NOT NULL,
  CONSTRAINT pk_leaf_position PRIMARY KEY (client_id, index),
  CONSTRAINT fk_leaf_position_client_id FOREIGN KEY (client_id) REFERENCES client (id),
  CONSTRAINT uq_leaf_position_client_id_chain_id_n UNIQUE (client_id, chain_id, n)
);

CREATE TABLE tree_node (
  client_id UUID NOT NULL,
  level SMALLINT NOT NULL,
  index BIGINT NOT NULL,
  hash BYTEA NOT NULL,
  CONSTRAINT pk_tree_node PRIMARY KEY (client_id, level, index),
  CONSTRAINT fk_tree_node_client_id FOREIGN KEY (client_id) REFERENCES client (id)
);

CREATE TABLE checkpoint (
  client_id UUID NOT NULL,
  size BIGINT NOT NULL,
  root BYTEA NOT NULL,
  note TEXT NOT NULL,
  signed_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_checkpoint PRIMARY KEY (client_id, size),
  CONSTRAINT fk_checkpoint_client_id FOREIGN KEY (client_id) REFERENCES client (id)
);

CREATE TABLE log_key (
  client_id UUID NOT NULL,
  line TEXT NOT NULL,
  first_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_log_key PRIMARY KEY (client_id, line),
  CONSTRAINT fk_log_key_client_id FOREIGN KEY (client_id) REFERENCES client (id)
);

CREATE TABLE evidence_check (
  client_id UUID NOT NULL,
  id UUID NOT NULL,
  whole BOOLEAN NOT NULL,
  size BIGINT NOT NULL,
  broken INTEGER NOT NULL,
  at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_evidence_check PRIMARY KEY (client_id, id),
  CONSTRAINT fk_evidence_check_client_id FOREIGN KEY (client_id) REFERENCES client (id)
);
CREATE INDEX ix_evidence_check_at ON evidence_check (client_id, at);

CREATE TABLE evidence_alarm (
  client_id UUID NOT NULL,
  id UUID NOT NULL,
  invariant TEXT NOT NULL,
  place TEXT NOT NULL,
  found_at TIMESTAMP WITH TIME ZONE NOT NULL,
  seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
  cleared_at TIMESTAMP WITH TIME ZONE,
  cleared_by UUID,
  reason TEXT,
  CONSTRAINT pk_evidence_alarm PRIMARY KEY (client_id, id),
  CONSTRAINT fk_evidence_alarm_client_id FOREIGN KEY (client_id) REFERENCES client (id),
  CONSTRAINT uq_evidence_alarm_client_id_invariant_place UNIQUE (client_id, invariant, place)
);

ALTER TABLE document RENAME TO open_document;
ALTER TABLE open_document RENAME CONSTRAINT pk_document TO pk_open_document;
ALTER TABLE open_document RENAME CONSTRAINT fk_document_client_id TO fk_open_document_client_id;
CREATE TABLE document (
  client_id UUID NOT NULL,
  chain_id UUID NOT NULL,
  sha256 BYTEA NOT NULL,
  key_id UUID NOT NULL,
  media TEXT NOT NULL,
  sealed BYTEA NOT NULL,
  created_at TIMESTAMP WITH TIME ZONE NOT NULL,
  CONSTRAINT pk_document PRIMARY KEY (client_id, chain_id, sha256),
  CONSTRAINT fk_document_client_id FOREIGN KEY (client_id) REFERENCES client (id),
  CONSTRAINT fk_document_client_id_key_id FOREIGN KEY (client_id, key_id)
    REFERENCES chain_key (client_id, id)
);
-- Made anew, because a column that is dropped stays in the rows on disk.
ALTER TABLE leaf_payload RENAME TO open_payload;
ALTER TABLE open_payload RENAME CONSTRAINT pk_leaf_payload TO pk_open_payload;
ALTER TABLE open_payload RENAME CONSTRAINT fk_leaf_payload_client_id TO fk_open_payload_client_id;
CREATE TABLE leaf_payload (
  client_id UUID NOT NULL,
  chain_id UUID NOT NULL,
  n INTEGER NOT NULL,
  key_id UUID NOT NULL,
  sealed BYTEA NOT NULL,
  CONSTRAINT pk_leaf_payload PRIMARY KEY (client_id, chain_id, n),
  CONSTRAINT fk_leaf_payload_client_id FOREIGN KEY (client_id) REFERENCES client (id),
  CONSTRAINT fk_leaf_payload_client_id_key_id FOREIGN KEY (client_id, key_id)
    REFERENCES chain_key (client_id, id)
);

ALTER TABLE client ADD COLUMN frozen_at TIMESTAMP WITH TIME ZONE,
  ADD COLUMN compliance_email TEXT;
ALTER TABLE arrangement ADD COLUMN copy_sha256 BYTEA;
CREATE INDEX ix_leaf_export ON leaf (client_id, at) WHERE type = 'export.made';

INSERT INTO pending_leaf (client_id, chain_id, n) SELECT client_id, chain_id, n FROM leaf;
