"""Every code that reconciler prints is explained, offline and in the words of the docs."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cli.run import run
from reconciler.errors import ReconcilerError
from reconciler.kind.semantics import fields_of
from reconciler.manifest.environment import Guardrails
from reconciler.reconcile.guard import REQUEST_RULES, RULES
from reconciler.reconcile.plan import Cause
from reconciler.report.codes.causes import CAUSES
from reconciler.report.codes.errors import ERRORS
from reconciler.report.codes.guardrails import GUARDRAILS
from reconciler.report.codes.lookup import all_meanings, codes, exit_statuses, meanings, plain


def test_every_error_guardrail_and_cause_is_explained_and_no_other() -> None:
    statuses = exit_statuses()
    assert set(statuses) - {ReconcilerError.code} == set(ERRORS) - {ReconcilerError.code}
    assert set(GUARDRAILS) == set(RULES) | set(REQUEST_RULES) | set(fields_of(Guardrails))
    assert set(CAUSES) == set(Cause)


@pytest.mark.parametrize("code", ["secret-unset", "MAXDELETES", "live-moved", "too-deep"])
def test_a_code_is_explained_whatever_its_case(code: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", code]) == 0
    head, *lines = capsys.readouterr().out.splitlines()
    assert head.lower().startswith(code.lower())
    assert lines


def test_without_a_code_every_one_is_listed_with_what_it_means(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = [line.strip().partition(": ") for line in lines if line.startswith("  ")]
    assert [code for code, _, _ in listed] == [each.code for each in all_meanings() if each.example is None]
    assert all(len(said) > 15 for _, _, said in listed)
    assert [line for line in lines if line[:1].isalpha()] == [
        "Errors",
        "Problems of a manifest",
        "Guardrails",
        "Causes of drift",
        "Problems of a record",
    ]


def test_an_unknown_code_offers_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "secret-unst"]) == 64
    assert "secret-unset" in capsys.readouterr().err


def test_what_is_printed_for_a_terminal_has_no_links() -> None:
    assert plain("breaks a rule of [guardrails.md](guardrails.md).") == "breaks a rule of guardrails.md."
    assert all("](" not in plain(text) for code in codes() for each in meanings(code) for text in each.paragraphs)


def test_nothing_is_read_from_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["explain", "ledger-locked"]) == 0


def test_the_first_manifest_is_shown_as_it_can_be_saved(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(["explain", "environment"]) == 0
    shown = [line[4:] for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    manifest = "\n".join(line for line in shown if not line.startswith("for what"))
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "environment.yaml").write_text(manifest)
    monkeypatch.chdir(tmp_path)
    assert run(["validate"]) == 0
    assert "kind: Environment" in manifest
    assert "1 manifest read" in capsys.readouterr().out
