CREATE TABLE attempt_counter (
    scope TEXT NOT NULL,
    key_hash BYTEA NOT NULL,
    window_started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    count INTEGER NOT NULL,
    locked_until TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_attempt_counter PRIMARY KEY (scope, key_hash)
);

CREATE TABLE client (
    id UUID NOT NULL,
    slug TEXT NOT NULL,
    legal_name TEXT NOT NULL,
    trade_name TEXT NOT NULL,
    sender_name TEXT NOT NULL,
    street_address TEXT NOT NULL,
    phone TEXT NOT NULL,
    phone_hours TEXT NOT NULL,
    email TEXT NOT NULL,
    license_line TEXT,
    country TEXT NOT NULL,
    currency TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    collector_role VARCHAR(40) NOT NULL,
    languages TEXT[] NOT NULL,
    brand_color TEXT NOT NULL,
    link_days INTEGER NOT NULL,
    identity_factors TEXT[] NOT NULL,
    identity_codes BOOLEAN NOT NULL,
    sms_enabled BOOLEAN NOT NULL,
    answer_working_days INTEGER NOT NULL,
    placement_defaults JSONB NOT NULL,
    header_synonyms JSONB NOT NULL,
    stripe_account TEXT,
    chain_id UUID NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_client PRIMARY KEY (id),
    CONSTRAINT ck_client_link_days CHECK (link_days BETWEEN 1 AND 90),
    CONSTRAINT ck_client_brand_color CHECK (brand_color ~ '^#[0-9a-f]{6}$'),
    CONSTRAINT uq_client_slug UNIQUE (slug),
    CONSTRAINT uq_client_chain_id UNIQUE (chain_id)
);

CREATE TABLE staff (
    id UUID NOT NULL,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    role VARCHAR(40) NOT NULL,
    password_hash TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    disabled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_staff PRIMARY KEY (id),
    CONSTRAINT uq_staff_email UNIQUE (email)
);

CREATE TABLE stripe_event (
    event_id TEXT NOT NULL,
    stripe_account TEXT,
    type TEXT NOT NULL,
    object_id TEXT,
    livemode BOOLEAN NOT NULL,
    body BYTEA NOT NULL,
    received_at TIMESTAMP WITH TIME ZONE NOT NULL,
    handled_at TIMESTAMP WITH TIME ZONE,
    outcome TEXT,
    attempts INTEGER NOT NULL,
    CONSTRAINT pk_stripe_event PRIMARY KEY (event_id)
);
CREATE INDEX ix_stripe_event_unhandled ON stripe_event (received_at) WHERE handled_at IS NULL;

CREATE TABLE watermark (
    name TEXT NOT NULL,
    reached_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_watermark PRIMARY KEY (name)
);

CREATE TABLE chain (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    n INTEGER NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_chain PRIMARY KEY (client_id, id),
    CONSTRAINT fk_chain_client_id FOREIGN KEY(client_id) REFERENCES client (id)
);

CREATE TABLE contact_stop (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    channel VARCHAR(40) NOT NULL,
    address TEXT NOT NULL,
    kind VARCHAR(40) NOT NULL,
    source TEXT NOT NULL,
    stopped_at TIMESTAMP WITH TIME ZONE NOT NULL,
    lifted_at TIMESTAMP WITH TIME ZONE,
    lifted_by UUID,
    CONSTRAINT pk_contact_stop PRIMARY KEY (client_id, id),
    CONSTRAINT fk_contact_stop_client_id FOREIGN KEY(client_id) REFERENCES client (id)
);
CREATE UNIQUE INDEX uq_contact_stop_active ON contact_stop (client_id, channel, address, kind) WHERE lifted_at IS NULL;

CREATE TABLE debtor (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    debtor_number TEXT,
    join_key BYTEA,
    first_name TEXT NOT NULL,
    last_name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    language TEXT NOT NULL,
    date_of_birth_hash BYTEA,
    postal_code_hash BYTEA,
    last_four_hash BYTEA,
    address_line TEXT,
    city TEXT,
    region TEXT NOT NULL,
    postal_code TEXT,
    country TEXT NOT NULL,
    time_zone TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_debtor PRIMARY KEY (client_id, id),
    CONSTRAINT fk_debtor_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT uq_debtor_client_id_debtor_number UNIQUE (client_id, debtor_number)
);
CREATE INDEX ix_debtor_name_key ON debtor (client_id, name_key);
CREATE UNIQUE INDEX uq_debtor_join_key ON debtor (client_id, join_key) WHERE join_key IS NOT NULL AND debtor_number IS NULL;

CREATE TABLE document (
    client_id UUID NOT NULL,
    sha256 BYTEA NOT NULL,
    media TEXT NOT NULL,
    body BYTEA NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_document PRIMARY KEY (client_id, sha256),
    CONSTRAINT fk_document_client_id FOREIGN KEY(client_id) REFERENCES client (id)
);

CREATE TABLE leaf (
    client_id UUID NOT NULL,
    chain_id UUID NOT NULL,
    n INTEGER NOT NULL,
    type TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    body TEXT NOT NULL,
    hash BYTEA NOT NULL,
    CONSTRAINT pk_leaf PRIMARY KEY (client_id, chain_id, n),
    CONSTRAINT fk_leaf_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT ck_leaf_hash_length CHECK (octet_length(hash) = 32)
);
CREATE INDEX ix_leaf_at ON leaf (client_id, at);

CREATE TABLE leaf_payload (
    client_id UUID NOT NULL,
    chain_id UUID NOT NULL,
    n INTEGER NOT NULL,
    payload TEXT NOT NULL,
    salt BYTEA NOT NULL,
    CONSTRAINT pk_leaf_payload PRIMARY KEY (client_id, chain_id, n),
    CONSTRAINT fk_leaf_payload_client_id FOREIGN KEY(client_id) REFERENCES client (id)
);

CREATE TABLE money_exception (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    detail TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    resolved_at TIMESTAMP WITH TIME ZONE,
    resolved_by UUID,
    resolution TEXT,
    CONSTRAINT pk_money_exception PRIMARY KEY (client_id, id),
    CONSTRAINT fk_money_exception_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT uq_money_exception_client_id_kind_source UNIQUE (client_id, kind, source)
);
CREATE INDEX ix_money_exception_open ON money_exception (client_id, resolved_at);

CREATE TABLE offer_policy (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    version INTEGER NOT NULL,
    document TEXT NOT NULL,
    sha256 BYTEA NOT NULL,
    published_at TIMESTAMP WITH TIME ZONE NOT NULL,
    published_by UUID,
    CONSTRAINT pk_offer_policy PRIMARY KEY (client_id, id),
    CONSTRAINT fk_offer_policy_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT uq_offer_policy_client_id_version UNIQUE (client_id, version),
    CONSTRAINT ck_offer_policy_version_positive CHECK (version > 0)
);

CREATE TABLE placement (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    status VARCHAR(40) NOT NULL,
    file_name TEXT NOT NULL,
    file_sha256 BYTEA,
    placed_by UUID,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    completed_at TIMESTAMP WITH TIME ZONE,
    rows INTEGER NOT NULL,
    landed INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    unchanged INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    warned INTEGER NOT NULL,
    CONSTRAINT pk_placement PRIMARY KEY (client_id, id),
    CONSTRAINT fk_placement_client_id FOREIGN KEY(client_id) REFERENCES client (id)
);

CREATE TABLE staff_client (
    staff_id UUID NOT NULL,
    client_id UUID NOT NULL,
    CONSTRAINT pk_staff_client PRIMARY KEY (staff_id, client_id),
    CONSTRAINT fk_staff_client_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT fk_staff_client_client_id FOREIGN KEY(client_id) REFERENCES client (id)
);

CREATE TABLE staff_session (
    id UUID NOT NULL,
    staff_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_staff_session PRIMARY KEY (id),
    CONSTRAINT fk_staff_session_staff_id FOREIGN KEY(staff_id) REFERENCES staff (id),
    CONSTRAINT uq_staff_session_token_hash UNIQUE (token_hash)
);

CREATE TABLE account (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    debtor_id UUID NOT NULL,
    placement_id UUID NOT NULL,
    reference TEXT NOT NULL,
    status VARCHAR(40) NOT NULL,
    original_creditor TEXT NOT NULL,
    current_creditor TEXT NOT NULL,
    product TEXT NOT NULL,
    debt_category TEXT NOT NULL,
    debt_purpose TEXT NOT NULL,
    is_consumer_financial_product BOOLEAN NOT NULL,
    default_at_placement BOOLEAN NOT NULL,
    collector_role VARCHAR(40) NOT NULL,
    default_on DATE,
    charge_off_on DATE,
    last_payment_on DATE,
    judgment JSONB,
    currency TEXT NOT NULL,
    itemization_kind TEXT NOT NULL,
    itemization_on DATE NOT NULL,
    itemization_cents BIGINT NOT NULL,
    interest_cents BIGINT NOT NULL,
    fees_cents BIGINT NOT NULL,
    payments_cents BIGINT NOT NULL,
    credits_cents BIGINT NOT NULL,
    itemized_cents BIGINT NOT NULL,
    last_placed_cents BIGINT NOT NULL,
    balance_cents BIGINT NOT NULL,
    validation_notice_sent_on DATE,
    validation_ends_on DATE,
    sol_expires_on DATE,
    chain_id UUID NOT NULL,
    row_sha256 BYTEA NOT NULL,
    stripe_customer TEXT,
    placed_at TIMESTAMP WITH TIME ZONE NOT NULL,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    recalled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_account PRIMARY KEY (client_id, id),
    CONSTRAINT fk_account_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_account_client_id_debtor_id FOREIGN KEY(client_id, debtor_id) REFERENCES debtor (client_id, id),
    CONSTRAINT fk_account_client_id_placement_id FOREIGN KEY(client_id, placement_id) REFERENCES placement (client_id, id),
    CONSTRAINT uq_account_client_id_reference UNIQUE (client_id, reference),
    CONSTRAINT ck_account_itemization_sums CHECK (itemization_cents + interest_cents + fees_cents - payments_cents - credits_cents = itemized_cents),
    CONSTRAINT ck_account_placed_positive CHECK (itemized_cents > 0)
);
CREATE INDEX ix_account_debtor ON account (client_id, debtor_id);
CREATE INDEX ix_account_status ON account (client_id, status);

CREATE TABLE contact (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    debtor_id UUID NOT NULL,
    channel VARCHAR(40) NOT NULL,
    address TEXT NOT NULL,
    zones TEXT,
    permission_basis TEXT NOT NULL,
    source TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_contact PRIMARY KEY (client_id, id),
    CONSTRAINT fk_contact_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_contact_client_id_debtor_id FOREIGN KEY(client_id, debtor_id) REFERENCES debtor (client_id, id),
    CONSTRAINT uq_contact_client_id_debtor_id_channel_address UNIQUE (client_id, debtor_id, channel, address),
    CONSTRAINT ck_contact_channel CHECK (channel IN ('email', 'sms'))
);
CREATE INDEX ix_contact_address ON contact (address, channel, client_id);

CREATE TABLE placement_row (
    client_id UUID NOT NULL,
    placement_id UUID NOT NULL,
    line INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reference TEXT,
    "column" TEXT,
    reason TEXT,
    CONSTRAINT pk_placement_row PRIMARY KEY (client_id, placement_id, line),
    CONSTRAINT fk_placement_row_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_placement_row_client_id_placement_id FOREIGN KEY(client_id, placement_id) REFERENCES placement (client_id, id)
);

CREATE TABLE access_link (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    debtor_id UUID NOT NULL,
    contact_id UUID,
    channel VARCHAR(40) NOT NULL,
    public_id TEXT NOT NULL,
    code_hash BYTEA NOT NULL,
    locale TEXT NOT NULL,
    issued_at TIMESTAMP WITH TIME ZONE NOT NULL,
    issued_by UUID,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_reason TEXT,
    verified_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_access_link PRIMARY KEY (client_id, id),
    CONSTRAINT fk_access_link_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_access_link_client_id_debtor_id FOREIGN KEY(client_id, debtor_id) REFERENCES debtor (client_id, id),
    CONSTRAINT fk_access_link_client_id_contact_id FOREIGN KEY(client_id, contact_id) REFERENCES contact (client_id, id),
    CONSTRAINT uq_access_link_public_id UNIQUE (public_id),
    CONSTRAINT uq_access_link_code_hash UNIQUE (code_hash),
    CONSTRAINT ck_access_link_expires_later CHECK (expires_at > issued_at)
);
CREATE INDEX ix_access_link_debtor ON access_link (client_id, debtor_id);

CREATE TABLE arrangement (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    reference TEXT NOT NULL,
    kind TEXT NOT NULL,
    status VARCHAR(40) NOT NULL,
    method TEXT NOT NULL,
    frequency TEXT,
    offer_key TEXT NOT NULL,
    policy_version INTEGER NOT NULL,
    total_cents BIGINT NOT NULL,
    balance_cents BIGINT NOT NULL,
    saved_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    terms TEXT NOT NULL,
    terms_sha256 BYTEA NOT NULL,
    proposal_id UUID,
    valid_until DATE,
    locale TEXT NOT NULL,
    accepted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    ended_reason TEXT,
    CONSTRAINT pk_arrangement PRIMARY KEY (client_id, id),
    CONSTRAINT fk_arrangement_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_arrangement_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id),
    CONSTRAINT uq_arrangement_client_id_reference UNIQUE (client_id, reference),
    CONSTRAINT ck_arrangement_total_positive CHECK (total_cents > 0),
    CONSTRAINT ck_arrangement_method CHECK (method IN ('automatic', 'manual'))
);
CREATE INDEX ix_arrangement_account ON arrangement (client_id, account_id);
CREATE UNIQUE INDEX uq_arrangement_one_live ON arrangement (client_id, account_id) WHERE status IN ('awaiting_first_payment', 'active');

CREATE TABLE hold (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    evidence TEXT,
    starts_at TIMESTAMP WITH TIME ZONE NOT NULL,
    review_on DATE,
    ends_at TIMESTAMP WITH TIME ZONE,
    lifted_at TIMESTAMP WITH TIME ZONE,
    lifted_by UUID,
    lifted_reason TEXT,
    CONSTRAINT pk_hold PRIMARY KEY (client_id, id),
    CONSTRAINT fk_hold_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_hold_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id)
);
CREATE INDEX ix_hold_account ON hold (client_id, account_id);

CREATE TABLE ledger_entry (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    kind VARCHAR(40) NOT NULL,
    source TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_ledger_entry PRIMARY KEY (client_id, id),
    CONSTRAINT fk_ledger_entry_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_ledger_entry_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id),
    CONSTRAINT uq_ledger_entry_client_id_account_id_kind_source UNIQUE (client_id, account_id, kind, source),
    CONSTRAINT ck_ledger_entry_moves CHECK (amount_cents <> 0)
);
CREATE INDEX ix_ledger_entry_at ON ledger_entry (client_id, at);

CREATE TABLE one_time_code (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    debtor_id UUID NOT NULL,
    link_id UUID NOT NULL,
    contact_id UUID NOT NULL,
    code_hash BYTEA NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    passed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_one_time_code PRIMARY KEY (client_id, id),
    CONSTRAINT fk_one_time_code_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_one_time_code_client_id_debtor_id FOREIGN KEY(client_id, debtor_id) REFERENCES debtor (client_id, id),
    CONSTRAINT fk_one_time_code_client_id_contact_id FOREIGN KEY(client_id, contact_id) REFERENCES contact (client_id, id)
);
CREATE INDEX ix_one_time_code_link ON one_time_code (client_id, link_id);

CREATE TABLE proposal (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    reference TEXT NOT NULL,
    status VARCHAR(40) NOT NULL,
    kind TEXT NOT NULL,
    wish JSONB NOT NULL,
    note TEXT,
    policy_version INTEGER NOT NULL,
    balance_cents BIGINT NOT NULL,
    locale TEXT NOT NULL,
    submitted_at TIMESTAMP WITH TIME ZONE NOT NULL,
    answer_due_on DATE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    answered_by UUID,
    answer_reason TEXT,
    granted_terms JSONB,
    granted_until DATE,
    CONSTRAINT pk_proposal PRIMARY KEY (client_id, id),
    CONSTRAINT fk_proposal_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_proposal_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id),
    CONSTRAINT uq_proposal_client_id_reference UNIQUE (client_id, reference)
);
CREATE INDEX ix_proposal_status ON proposal (client_id, status, answer_due_on);
CREATE UNIQUE INDEX uq_proposal_one_open ON proposal (client_id, account_id) WHERE status IN ('submitted', 'countered', 'accepted');

CREATE TABLE thread_entry (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    help_request_id UUID,
    proposal_id UUID,
    staff_id UUID,
    body TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_thread_entry PRIMARY KEY (client_id, id),
    CONSTRAINT fk_thread_entry_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_thread_entry_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id)
);
CREATE INDEX ix_thread_entry_account ON thread_entry (client_id, account_id, at);

CREATE TABLE debtor_session (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    debtor_id UUID NOT NULL,
    link_id UUID NOT NULL,
    token_hash BYTEA NOT NULL,
    identity_method TEXT NOT NULL,
    ip TEXT NOT NULL,
    user_agent TEXT NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE NOT NULL,
    expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_debtor_session PRIMARY KEY (client_id, id),
    CONSTRAINT fk_debtor_session_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_debtor_session_client_id_debtor_id FOREIGN KEY(client_id, debtor_id) REFERENCES debtor (client_id, id),
    CONSTRAINT fk_debtor_session_client_id_link_id FOREIGN KEY(client_id, link_id) REFERENCES access_link (client_id, id),
    CONSTRAINT uq_debtor_session_token_hash UNIQUE (token_hash)
);

CREATE TABLE help_request (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    hold_id UUID,
    reference TEXT NOT NULL,
    topic TEXT NOT NULL,
    status VARCHAR(40) NOT NULL,
    answers JSONB NOT NULL,
    locale TEXT NOT NULL,
    opened_at TIMESTAMP WITH TIME ZONE NOT NULL,
    promised_on DATE NOT NULL,
    answered_at TIMESTAMP WITH TIME ZONE,
    answered_by UUID,
    CONSTRAINT pk_help_request PRIMARY KEY (client_id, id),
    CONSTRAINT fk_help_request_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_help_request_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id),
    CONSTRAINT fk_help_request_client_id_hold_id FOREIGN KEY(client_id, hold_id) REFERENCES hold (client_id, id),
    CONSTRAINT uq_help_request_client_id_reference UNIQUE (client_id, reference)
);
CREATE INDEX ix_help_request_account ON help_request (client_id, account_id);
CREATE INDEX ix_help_request_status ON help_request (client_id, status, promised_on);

CREATE TABLE installment (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    arrangement_id UUID NOT NULL,
    n INTEGER NOT NULL,
    due_on DATE NOT NULL,
    amount_cents BIGINT NOT NULL,
    paid_cents BIGINT NOT NULL,
    status VARCHAR(40) NOT NULL,
    attempts INTEGER NOT NULL,
    next_attempt_on DATE,
    CONSTRAINT pk_installment PRIMARY KEY (client_id, id),
    CONSTRAINT fk_installment_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_installment_client_id_arrangement_id FOREIGN KEY(client_id, arrangement_id) REFERENCES arrangement (client_id, id),
    CONSTRAINT uq_installment_client_id_arrangement_id_n UNIQUE (client_id, arrangement_id, n),
    CONSTRAINT ck_installment_amount_positive CHECK (amount_cents > 0),
    CONSTRAINT ck_installment_paid_within CHECK (paid_cents BETWEEN 0 AND amount_cents)
);
CREATE INDEX ix_installment_due ON installment (client_id, due_on) WHERE status IN ('scheduled', 'failed');

CREATE TABLE message (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    debtor_id UUID NOT NULL,
    account_id UUID,
    contact_id UUID,
    link_id UUID,
    channel VARCHAR(40) NOT NULL,
    template TEXT NOT NULL,
    context JSONB NOT NULL,
    locale TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    asked_for BOOLEAN NOT NULL,
    status VARCHAR(40) NOT NULL,
    rule TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_by UUID,
    send_at TIMESTAMP WITH TIME ZONE NOT NULL,
    sent_at TIMESTAMP WITH TIME ZONE,
    attempts INTEGER NOT NULL,
    address TEXT,
    subject TEXT,
    body TEXT,
    body_html TEXT,
    headers JSONB,
    provider_id TEXT,
    error TEXT,
    CONSTRAINT pk_message PRIMARY KEY (client_id, id),
    CONSTRAINT fk_message_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_message_client_id_debtor_id FOREIGN KEY(client_id, debtor_id) REFERENCES debtor (client_id, id),
    CONSTRAINT fk_message_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id),
    CONSTRAINT fk_message_client_id_contact_id FOREIGN KEY(client_id, contact_id) REFERENCES contact (client_id, id),
    CONSTRAINT fk_message_client_id_link_id FOREIGN KEY(client_id, link_id) REFERENCES access_link (client_id, id),
    CONSTRAINT uq_message_client_id_dedupe_key UNIQUE (client_id, dedupe_key)
);
CREATE INDEX ix_message_debtor ON message (client_id, debtor_id);
CREATE INDEX ix_message_waiting ON message (client_id, send_at) WHERE status IN ('queued', 'deferred', 'sending') AND channel <> 'letter';

CREATE TABLE payment_authorization (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    arrangement_id UUID NOT NULL,
    status VARCHAR(40) NOT NULL,
    document_sha256 BYTEA NOT NULL,
    cap_cents BIGINT NOT NULL,
    method_id TEXT,
    method_brand TEXT,
    method_last4 TEXT,
    method_funding TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    granted_at TIMESTAMP WITH TIME ZONE,
    copied_at TIMESTAMP WITH TIME ZONE,
    copy_message_id UUID,
    revoked_at TIMESTAMP WITH TIME ZONE,
    revoked_reason TEXT,
    CONSTRAINT pk_payment_authorization PRIMARY KEY (client_id, id),
    CONSTRAINT fk_payment_authorization_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_payment_authorization_client_id_arrangement_id FOREIGN KEY(client_id, arrangement_id) REFERENCES arrangement (client_id, id),
    CONSTRAINT ck_payment_authorization_granted_has_method CHECK (status <> 'granted' OR (granted_at IS NOT NULL AND method_id IS NOT NULL))
);
CREATE UNIQUE INDEX uq_payment_authorization_one_granted ON payment_authorization (client_id, arrangement_id) WHERE status = 'granted';

CREATE TABLE payment (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    account_id UUID NOT NULL,
    arrangement_id UUID,
    installment_id UUID,
    purpose VARCHAR(40) NOT NULL,
    status VARCHAR(40) NOT NULL,
    amount_cents BIGINT NOT NULL,
    currency TEXT NOT NULL,
    reference TEXT NOT NULL,
    locale TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    stripe_account TEXT,
    checkout_id TEXT,
    checkout_url TEXT,
    checkout_expires_at TIMESTAMP WITH TIME ZONE,
    intent_id TEXT,
    setup_id TEXT,
    method_id TEXT,
    method_brand TEXT,
    method_last4 TEXT,
    method_funding TEXT,
    failure_code TEXT,
    decline_code TEXT,
    advice_code TEXT,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    posted_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_payment PRIMARY KEY (client_id, id),
    CONSTRAINT fk_payment_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_payment_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id),
    CONSTRAINT fk_payment_client_id_arrangement_id FOREIGN KEY(client_id, arrangement_id) REFERENCES arrangement (client_id, id),
    CONSTRAINT fk_payment_client_id_installment_id FOREIGN KEY(client_id, installment_id) REFERENCES installment (client_id, id),
    CONSTRAINT uq_payment_idempotency_key UNIQUE (idempotency_key),
    CONSTRAINT ck_payment_amount_positive CHECK ((amount_cents > 0) = (purpose <> 'method'))
);
CREATE INDEX ix_payment_account ON payment (client_id, account_id);
CREATE INDEX ix_payment_unresolved ON payment (client_id, created_at) WHERE status IN ('created', 'open', 'attempting', 'processing');
CREATE UNIQUE INDEX uq_payment_checkout ON payment (checkout_id, stripe_account) NULLS NOT DISTINCT WHERE checkout_id IS NOT NULL;
CREATE UNIQUE INDEX uq_payment_intent ON payment (intent_id, stripe_account) NULLS NOT DISTINCT WHERE intent_id IS NOT NULL;
CREATE UNIQUE INDEX uq_payment_one_open ON payment (client_id, account_id) WHERE status IN ('created', 'open', 'attempting', 'processing');

CREATE TABLE chargeback (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    payment_id UUID NOT NULL,
    dispute_id TEXT NOT NULL,
    status TEXT NOT NULL,
    reason TEXT,
    amount_cents BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_chargeback PRIMARY KEY (client_id, id),
    CONSTRAINT fk_chargeback_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_chargeback_client_id_payment_id FOREIGN KEY(client_id, payment_id) REFERENCES payment (client_id, id),
    CONSTRAINT uq_chargeback_client_id_dispute_id UNIQUE (client_id, dispute_id)
);
CREATE INDEX ix_chargeback_payment ON chargeback (client_id, payment_id);

CREATE TABLE payment_allocation (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    payment_id UUID NOT NULL,
    account_id UUID NOT NULL,
    installment_id UUID,
    amount_cents BIGINT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_payment_allocation PRIMARY KEY (client_id, id),
    CONSTRAINT fk_payment_allocation_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_payment_allocation_client_id_payment_id FOREIGN KEY(client_id, payment_id) REFERENCES payment (client_id, id),
    CONSTRAINT fk_payment_allocation_client_id_account_id FOREIGN KEY(client_id, account_id) REFERENCES account (client_id, id),
    CONSTRAINT fk_payment_allocation_client_id_installment_id FOREIGN KEY(client_id, installment_id) REFERENCES installment (client_id, id),
    CONSTRAINT ck_payment_allocation_amount_positive CHECK (amount_cents > 0)
);
CREATE INDEX ix_payment_allocation_installment ON payment_allocation (client_id, installment_id);
CREATE INDEX ix_payment_allocation_payment ON payment_allocation (client_id, payment_id);

CREATE TABLE refund (
    client_id UUID NOT NULL,
    id UUID NOT NULL,
    payment_id UUID NOT NULL,
    refund_id TEXT,
    idempotency_key TEXT,
    status TEXT NOT NULL,
    cause TEXT NOT NULL,
    amount_cents BIGINT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    posted_at TIMESTAMP WITH TIME ZONE,
    settled_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_refund PRIMARY KEY (client_id, id),
    CONSTRAINT fk_refund_client_id FOREIGN KEY(client_id) REFERENCES client (id),
    CONSTRAINT fk_refund_client_id_payment_id FOREIGN KEY(client_id, payment_id) REFERENCES payment (client_id, id),
    CONSTRAINT uq_refund_client_id_refund_id UNIQUE (client_id, refund_id),
    CONSTRAINT uq_refund_idempotency_key UNIQUE (idempotency_key),
    CONSTRAINT ck_refund_amount_positive CHECK (amount_cents > 0)
);
CREATE INDEX ix_refund_payment ON refund (client_id, payment_id);
