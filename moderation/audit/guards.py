"""What the database itself refuses: to change or delete an entry, or to put one anywhere but at the end.

Whoever owns the tables can take the triggers away; then the chain and its signed checkpoints show
what was changed. On PostgreSQL let csbot use a role that owns nothing, see docs/audit.md.
"""

from typing import Protocol

ENTRIES = "moderation_auditentry"
HEAD = "moderation_audithead"
_REFUSED = "the audit trail is written once"

_POSTGRESQL = (
    f"""
    CREATE FUNCTION audit_chain() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
    SET search_path FROM CURRENT AS $$
    DECLARE head {HEAD}%ROWTYPE; hash bytea;
    BEGIN
        SELECT * INTO head FROM {HEAD} WHERE id = 1 FOR UPDATE;
        IF NOT FOUND THEN
            INSERT INTO {HEAD} (id, seq, digest) VALUES (1, 0, decode(repeat('00', 32), 'hex'))
                ON CONFLICT DO NOTHING;
            SELECT * INTO head FROM {HEAD} WHERE id = 1 FOR UPDATE;
        END IF;
        hash := sha256(head.digest || int8send(head.seq + 1) || NEW.content);
        UPDATE {ENTRIES} SET seq = head.seq + 1, previous = head.digest, digest = hash
            WHERE id = NEW.id;
        UPDATE {HEAD} SET seq = head.seq + 1, digest = hash WHERE id = 1;
        RETURN NULL;
    END $$
    """,  # noqa: S608 - names of our own tables
    f"""
    CREATE CONSTRAINT TRIGGER audit_chain AFTER INSERT ON {ENTRIES}
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION audit_chain()
    """,
    f"""
    CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' AND NEW.seq IS NULL AND NEW.previous IS NULL AND NEW.digest IS NULL
        THEN
            RETURN NEW;
        END IF;
        IF TG_OP = 'UPDATE' AND pg_trigger_depth() > 1 AND OLD.digest IS NULL THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION '{_REFUSED}';
    END $$
    """,
    f"""
    CREATE TRIGGER audit_guard BEFORE INSERT OR UPDATE OR DELETE ON {ENTRIES}
    FOR EACH ROW EXECUTE FUNCTION audit_guard()
    """,
    f"""
    CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'TRUNCATE' AND pg_trigger_depth() > 1 THEN
            RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
        END IF;
        RAISE EXCEPTION '{_REFUSED}';
    END $$
    """,
    f"""
    CREATE TRIGGER audit_refuse BEFORE INSERT OR UPDATE OR DELETE ON {HEAD}
    FOR EACH ROW EXECUTE FUNCTION audit_refuse()
    """,
    f"""
    CREATE TRIGGER audit_keep_entries BEFORE TRUNCATE ON {ENTRIES}
    EXECUTE FUNCTION audit_refuse()
    """,
    f"CREATE TRIGGER audit_keep_head BEFORE TRUNCATE ON {HEAD} EXECUTE FUNCTION audit_refuse()",
)
_SQLITE = (
    f"""
    CREATE TRIGGER audit_guard_insert BEFORE INSERT ON {ENTRIES}
    WHEN NEW.seq IS NOT (SELECT COALESCE(MAX(seq), 0) + 1 FROM {ENTRIES})
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,  # noqa: S608 - names of our own tables
    f"""
    CREATE TRIGGER audit_guard_update BEFORE UPDATE ON {ENTRIES}
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
    f"""
    CREATE TRIGGER audit_guard_delete BEFORE DELETE ON {ENTRIES}
    BEGIN SELECT RAISE(ABORT, '{_REFUSED}'); END
    """,
)
# The chain itself is no guard: it stays.
_POSTGRESQL_OFF = (
    f"DROP TRIGGER IF EXISTS audit_guard ON {ENTRIES}",
    f"DROP TRIGGER IF EXISTS audit_keep_entries ON {ENTRIES}",
    f"DROP TRIGGER IF EXISTS audit_refuse ON {HEAD}",
    f"DROP TRIGGER IF EXISTS audit_keep_head ON {HEAD}",
    "DROP FUNCTION IF EXISTS audit_guard()",
    "DROP FUNCTION IF EXISTS audit_refuse()",
)
_SQLITE_OFF = tuple(
    f"DROP TRIGGER IF EXISTS audit_guard_{each}" for each in ("insert", "update", "delete")
)


class Cursor(Protocol):
    def execute(self, sql: str) -> object: ...


def install(cursor: Cursor, vendor: str) -> None:
    """Put the chain and its guards into a database that has neither."""
    for statement in _POSTGRESQL if vendor == "postgresql" else _SQLITE:
        cursor.execute(statement)


def put_back(cursor: Cursor, vendor: str) -> None:
    """The guards again, after :func:`remove`."""
    for statement in _POSTGRESQL[2:] if vendor == "postgresql" else _SQLITE:
        cursor.execute(statement)


def remove(cursor: Cursor, vendor: str) -> None:
    """Take the guards away, as the owner of the tables can; the chain goes on."""
    for statement in _POSTGRESQL_OFF if vendor == "postgresql" else _SQLITE_OFF:
        cursor.execute(statement)


def grants(role: str) -> tuple[str, ...]:
    """PostgreSQL: everything that csbot does, but in the audit trail only reading and adding.

    ``role`` is quoted already.
    """
    tables = "ALL TABLES IN SCHEMA public"
    return (
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {tables} TO {role}",
        f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"REVOKE ALL ON {ENTRIES}, {HEAD} FROM {role}",
        f"GRANT SELECT, INSERT ON {ENTRIES} TO {role}",
        f"GRANT SELECT ON {HEAD} TO {role}",
    )
