"""The app manifest: valid, least scopes, a reason beside each."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import yaml

from bot.doctor import SCOPES

HERE = Path(__file__).parent
MANIFEST = HERE.parents[1] / "manifests" / "slack-app.yaml"
# A copy of slackapi/manifest-schema (MIT, see the licence beside it), schemas/manifest.schema.2.0.0.json.
SCHEMA = HERE / "slack_manifest_schema" / "manifest.schema.2.0.0.json"


def test_the_manifest_is_valid_against_slacks_own_schema() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    jsonschema.validate(manifest, json.loads(SCHEMA.read_text(encoding="utf-8")))
    assert len(manifest["display_information"]["description"]) <= 140


def test_the_doctor_looks_for_exactly_these_scopes() -> None:
    manifest = yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == SCOPES


def test_every_scope_has_its_reason_beside_it() -> None:
    text = MANIFEST.read_text(encoding="utf-8")
    block = text.partition("    bot:\n")[2].partition("settings:")[0]
    lines = [line for line in block.splitlines() if line.strip().startswith("- ")]
    assert len(lines) == len(yaml.safe_load(text)["oauth_config"]["scopes"]["bot"]) > 5
    assert all(re.fullmatch(r"\s+- [a-z_.]+(:[a-z]+)? # .{5,}", line) for line in lines)


def test_no_scope_lets_it_read_what_is_not_said_to_it() -> None:
    """Nothing of the channels' history, of files or of e-mail addresses."""
    scopes = set(yaml.safe_load(MANIFEST.read_text(encoding="utf-8"))["oauth_config"]["scopes"]["bot"])
    assert not scopes & {"channels:history", "groups:history", "files:read", "users:read.email", "admin"}
