"""Who may do what to which table on PostgreSQL: three roles, none of which can change what was decided or recorded.

The gateway hears people and decides; the runner takes what is ready and carries it out; the auditor reads. Neither
of the first two can do the other's part, and a request's plan, asker and rule can be changed by nobody.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

GATEWAY, RUNNER, AUDITOR = "twokey_gateway", "twokey_runner", "twokey_auditor"
"""Roles without a login; grant them to the users that the processes log in as."""

_WAITING = "state, rev, missing, requirements, reminded_at, escalated_at, run_by, finished_at, reason, reason_by"
_ALL = "SELECT, INSERT, UPDATE, DELETE"

GRANTS: Mapping[str, Mapping[str, str]] = {
    "requests": {
        GATEWAY: f"SELECT, INSERT, UPDATE ({_WAITING}, unwatched, emergency, review)",
        RUNNER: f"SELECT, UPDATE ({_WAITING}, step, outcome, fence, runner, lease_until)",
        AUDITOR: "SELECT",
    },
    "decisions": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "delegations": {GATEWAY: "SELECT, INSERT, UPDATE (ended_at)", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "audit_events": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT, INSERT", AUDITOR: "SELECT"},
    "audit_checkpoints": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT, INSERT", AUDITOR: "SELECT"},
    # Only the tables' owner seals: nobody else may delete an entry, archived or not.
    "audit_seals": {GATEWAY: "SELECT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "eval_keepsakes": {GATEWAY: "SELECT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    # A runner judges by the policy and the catalogue in force and has no say in which ones these are.
    "policies": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "policy_drafts": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "catalogs": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "catalog_drafts": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "processes": {GATEWAY: _ALL, RUNNER: _ALL, AUDITOR: "SELECT"},
    "evidence": {GATEWAY: "SELECT", RUNNER: "SELECT, INSERT", AUDITOR: "SELECT"},
    "eval_runs": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "eval_evidence": {GATEWAY: "SELECT, INSERT", RUNNER: "SELECT", AUDITOR: "SELECT"},
    "watermark": {GATEWAY: "SELECT, INSERT, UPDATE", RUNNER: "SELECT, INSERT, UPDATE", AUDITOR: "SELECT"},
    "slack_deliveries": {GATEWAY: _ALL},
    "slack_gateways": {GATEWAY: _ALL},
    "slack_cards": {GATEWAY: _ALL},
    "slack_story": {GATEWAY: _ALL},
    "slack_threads": {GATEWAY: _ALL},
    "model_calls": {GATEWAY: _ALL},
    "readings": {GATEWAY: _ALL, AUDITOR: "SELECT"},
    "alembic_version": {GATEWAY: "SELECT", RUNNER: "SELECT", AUDITOR: "SELECT"},
}
"""Every table of the store. What is not granted is refused."""

_COUNTED = ("decisions", "delegations", "slack_threads", "model_calls", "readings")  # their ids come from a sequence

_STATES = f"""CREATE OR REPLACE FUNCTION twokey_parts() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decides boolean := pg_has_role(current_user, '{GATEWAY}', 'MEMBER');
    runs boolean := pg_has_role(current_user, '{RUNNER}', 'MEMBER');
    was text := CASE TG_OP WHEN 'UPDATE' THEN OLD.state ELSE 'proposed' END;
BEGIN
    IF NEW.state = was OR decides = runs THEN
        RETURN NEW;
    END IF;
    IF decides AND (was NOT IN ('proposed', 'waiting', 'ready')
                    OR NEW.state IN ('running', 'succeeded', 'failed', 'rolled_back', 'unknown')) THEN
        RAISE 'only a runner says that a request is %', NEW.state USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF runs AND NEW.state IN ('waiting', 'ready', 'denied', 'withdrawn', 'adopted') THEN
        RAISE 'only a gateway says that a request is %', NEW.state USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$"""


def statements() -> Iterator[str]:
    """What the tables' owner runs once the tables are there; may be run again, and has to be after a migration."""
    for role in (GATEWAY, RUNNER, AUDITOR):
        yield f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$"
        yield f"GRANT USAGE ON SCHEMA public TO {role}"
    for table, granted in GRANTS.items():
        yield f"REVOKE ALL ON {table} FROM PUBLIC, {GATEWAY}, {RUNNER}, {AUDITOR}"
        for role, rights in granted.items():
            yield f"GRANT {rights} ON {table} TO {role}"
    for table in _COUNTED:
        yield f"GRANT USAGE ON SEQUENCE {table}_id_seq TO {GATEWAY}"
    yield _STATES
    yield "DROP TRIGGER IF EXISTS twokey_parts ON requests"
    yield "CREATE TRIGGER twokey_parts BEFORE INSERT OR UPDATE ON requests FOR EACH ROW EXECUTE FUNCTION twokey_parts()"
    yield "ALTER TABLE requests ENABLE ALWAYS TRIGGER twokey_parts"


def as_sql() -> str:
    """The same as a script for `psql`, in one transaction."""
    return "\n".join(["BEGIN;", *(f"{statement};" for statement in statements()), "COMMIT;", ""])
