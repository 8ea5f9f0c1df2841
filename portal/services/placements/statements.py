"""The statements that land one batch: rows are staged by COPY, then moved table by table.

COPY into a table with row-level security is not possible, into a temporary one it is.
"""

STAGED = (
    *("line", "outcome", "account_id", "debtor_id", "earlier_debtor_id", "debtor_write"),
    *("chain_id", "entry_id", "delta_cents", "status", "reference", "debtor_number"),
    *("join_key", "judgment", "validation_ends_on", "first_name", "last_name", "name_key"),
    *("language", "date_of_birth_hash", "postal_code_hash", "last_four_hash", "address_line"),
    *("city", "region"),
    *("postal_code", "country", "time_zone", "currency", "original_creditor"),
    *("current_creditor", "product", "debt_category", "debt_purpose"),
    *("is_consumer_financial_product", "default_at_placement", "collector_role"),
    *("default_on", "charge_off_on", "last_payment_on", "validation_notice_sent_on"),
    *("sol_expires_on", "itemized_cents", "itemization_kind"),
    *("itemization_on", "itemization_cents", "interest_cents", "fees_cents", "payments_cents"),
    *("credits_cents", "row_sha256"),
)
_TYPES = {
    "line": "integer",
    **dict.fromkeys(
        ("account_id", "debtor_id", "earlier_debtor_id", "chain_id", "entry_id"), "uuid"
    ),
    **dict.fromkeys(("join_key", "row_sha256"), "bytea"),
    **dict.fromkeys(("is_consumer_financial_product", "default_at_placement"), "boolean"),
    "judgment": "jsonb",
}


def type_of(column: str) -> str:
    """The type of a staged column."""
    if column.endswith("_hash"):
        return "bytea"
    if column.endswith("_cents"):
        return "bigint"
    if column.endswith("_on"):
        return "date"
    return _TYPES.get(column, "text")


_COLUMNS = ", ".join(f"{column} {type_of(column)}" for column in STAGED)
STAGE = f"""
CREATE TEMP TABLE IF NOT EXISTS staged ({_COLUMNS}) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS staged_contact (
  id uuid, account_id uuid, debtor_id uuid, channel text, address text, zones text,
  permission_basis text, adds boolean) ON COMMIT DROP;
CREATE TEMP TABLE IF NOT EXISTS staged_row (
  line integer, outcome text, reference text, "column" text, reason text) ON COMMIT DROP;
TRUNCATE staged, staged_contact, staged_row;
"""
COPY_ROWS = f"COPY staged ({', '.join(STAGED)}) FROM STDIN"
COPY_CONTACTS = (
    "COPY staged_contact (id, account_id, debtor_id, channel, address, zones, permission_basis,"
    " adds) FROM STDIN"
)
COPY_OUTCOMES = 'COPY staged_row (line, outcome, reference, "column", reason) FROM STDIN'

_DEBTOR = (
    "debtor_number, join_key, first_name, last_name, name_key, language, date_of_birth_hash,"
    " postal_code_hash, last_four_hash, address_line, city, region, postal_code, country, time_zone"
)
INSERT_DEBTORS = f"""
INSERT INTO debtor (client_id, id, {_DEBTOR}, created_at)
SELECT %(client_id)s, debtor_id, {_DEBTOR}, %(now)s FROM staged WHERE debtor_write = 'insert'
"""  # noqa: S608
# Names that change places within one statement would meet in their unique indexes.
FREE_DEBTORS = """
UPDATE debtor SET debtor_number = NULL, join_key = NULL
WHERE client_id = %(client_id)s AND id = ANY(%(renamed)s)
"""
# Answers on file outlive a file that leaves them out, as a language that its reader chose outlives
# every file. Rows are found by id alone: with the client
# named beside its policy, the planner takes the client for small and reads all of it.
_NEWEST = {
    **{name: f"s.{name}" for name in ("debtor_number", "join_key", "first_name", "last_name")},
    **{name: f"s.{name}" for name in ("name_key", "region", "country")},
    "language": "CASE WHEN d.language_chosen_at IS NULL THEN s.language ELSE d.language END",
    **{
        name: f"coalesce(s.{name}, d.{name})"
        for name in (
            *("date_of_birth_hash", "postal_code_hash", "last_four_hash"),
            *("address_line", "city", "postal_code", "time_zone"),
        )
    },
}
UPDATE_DEBTORS = f"""
UPDATE debtor d SET {", ".join(f"{name} = {value}" for name, value in _NEWEST.items())}
FROM staged s
WHERE s.debtor_write = %(write)s AND d.id = s.debtor_id
  AND ({", ".join(f"d.{name}" for name in _NEWEST)})
    IS DISTINCT FROM ({", ".join(_NEWEST.values())})
"""  # noqa: S608
# What a file says anew outranks what staff corrected of its earlier word (decision 0044).
END_CORRECTIONS = """
UPDATE correction c SET placed = NULL
FROM unnest(%(debtors)s::uuid[], %(columns)s::text[]) AS o (debtor_id, field)
WHERE c.client_id = %(client_id)s AND (c.debtor_id, c.field) = (o.debtor_id, o.field)
"""
_FACTS = (
    *("original_creditor", "current_creditor", "product", "debt_category", "debt_purpose"),
    *("is_consumer_financial_product", "default_at_placement", "collector_role"),
)
_LASTING = (
    *("judgment", "default_on", "charge_off_on", "last_payment_on"),
    *("validation_notice_sent_on", "sol_expires_on"),
)
_NEW = (
    *("debtor_id", "reference", "status", "currency", *_FACTS, *_LASTING),
    *("itemization_kind", "itemization_on", "itemization_cents", "interest_cents", "fees_cents"),
    *("payments_cents", "credits_cents", "itemized_cents", "validation_ends_on", "chain_id"),
    "row_sha256",
)
INSERT_ACCOUNTS = f"""
INSERT INTO account (client_id, id, placement_id, last_placed_cents, balance_cents, placed_at,
  updated_at, {", ".join(_NEW)})
SELECT %(client_id)s, account_id, %(placement_id)s, itemized_cents, itemized_cents, %(now)s,
  %(now)s, {", ".join(_NEW)}
FROM staged WHERE outcome = 'landed'
"""  # noqa: S608
# The end of a validation period is never shortened (VN-03).
UPDATE_ACCOUNTS = f"""
UPDATE account a SET
  {", ".join(f"{name} = s.{name}" for name in (*_FACTS, "debtor_id", "status", "row_sha256"))},
  {", ".join(f"{name} = coalesce(s.{name}, a.{name})" for name in _LASTING)},
  validation_ends_on = greatest(s.validation_ends_on, a.validation_ends_on),
  last_placed_cents = a.last_placed_cents + coalesce(s.delta_cents, 0),
  balance_cents = a.balance_cents + coalesce(s.delta_cents, 0),
  recalled_at = NULL, updated_at = %(now)s
FROM staged s
WHERE s.outcome IN ('updated', 'held') AND a.id = s.account_id
"""  # noqa: S608
INSERT_PLACED = """
INSERT INTO ledger_entry (client_id, id, account_id, kind, source, amount_cents, at, on_record)
SELECT %(client_id)s, entry_id, account_id, 'placed', %(source)s, itemized_cents, %(now)s, true
FROM staged WHERE outcome = 'landed'
"""
INSERT_ADJUSTED = """
INSERT INTO ledger_entry (client_id, id, account_id, kind, source, amount_cents, at, on_record)
SELECT %(client_id)s, entry_id, account_id, 'adjusted', %(source)s, delta_cents, %(now)s, true
FROM staged WHERE outcome = 'updated' AND delta_cents <> 0
"""
RETIRE_CONTACTS = """
UPDATE contact c SET retired_at = %(now)s
FROM staged s LEFT JOIN staged_contact n ON n.account_id = s.account_id
WHERE s.outcome IN ('updated', 'held') AND c.debtor_id = s.earlier_debtor_id
  AND c.source = 'account:' || s.account_id AND c.retired_at IS NULL
  AND (s.debtor_id <> s.earlier_debtor_id OR (n.channel = c.channel AND n.address <> c.address))
"""
INSERT_CONTACTS = """
INSERT INTO contact (client_id, id, debtor_id, channel, address, zones, permission_basis, source,
  created_at)
SELECT %(client_id)s, id, debtor_id, channel, address, zones, permission_basis,
  'account:' || account_id, %(now)s
FROM staged_contact WHERE adds
ON CONFLICT (client_id, debtor_id, channel, address)
DO UPDATE SET retired_at = NULL, source = excluded.source WHERE contact.retired_at IS NOT NULL
"""
INSERT_OUTCOMES = """
INSERT INTO placement_row (client_id, placement_id, line, outcome, reference, "column", reason)
SELECT %(client_id)s, %(placement_id)s, line, outcome, reference, "column", reason FROM staged_row
"""
