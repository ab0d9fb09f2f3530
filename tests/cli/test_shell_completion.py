"""Completion, tried in the real shells where they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
MANIFESTS = """
apiVersion: reconciler/v1
kind: Environment
metadata: {name: sandbox}
---
apiVersion: reconciler/v1
kind: Environment
metadata:
  # a remark
  protect: false
  name: "staging"
---
kind: EntitySync
apiVersion: reconciler/v1
metadata:
  environments: [sandbox]
  name: categories
"""
# Each prints what the shell offers for the words in $WORDS, the last of them being completed.
SHELLS = {
    "bash": """
        eval "$(reconciler completion bash)"
        read -r -a COMP_WORDS <<< "$WORDS"
        COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _reconciler_completion reconciler
        printf '%s\\n' "${COMPREPLY[@]}"
    """,
    "zsh": """
        autoload -U compinit && compinit -D -u
        eval "$(reconciler completion zsh)"
        compadd() { print -rl -- $completions }
        _describe() { print -rl -- ${completions_with_descriptions%%:*} }
        compdef() { :; }
        words=(${=WORDS}); CURRENT=$#words
        _reconciler_completion
    """,
    "fish": """
        reconciler completion fish | source
        complete -C "$WORDS" | string split -f 1 \\t
    """,
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("reconciler val", {"validate"}),
        ("reconciler plan -e s", {"sandbox", "staging"}),
        ("reconciler -e st", {"staging"}),
        ("reconciler plan --target Ent", {"EntitySync/categories"}),
        ("reconciler -m nowhere plan --target Ent", set()),
        ("reconciler validate --form", {"--format"}),
        ("reconciler validate --format j", {"json", "junit"}),
        ("reconciler ledger un", {"unlock"}),
    ],
)
def test_a_shell_offers(shell: str, words: str, expected: set[str], tmp_path: Path) -> None:
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "all.yaml").write_text(MANIFESTS)
    ended = subprocess.run(
        [program, "-c", SHELLS[shell]],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "WORDS": words, "HOME": str(tmp_path)},
    )
    assert set(ended.stdout.split()) == expected, ended.stderr


def test_completion_imports_no_model_for_names(tmp_path: Path) -> None:
    program = """
import os, sys
os.environ |= {"_RECONCILER_COMPLETE": "bash_complete", "COMP_WORDS": "reconciler -e s", "COMP_CWORD": "2"}
from reconciler.cli.main import main
sys.argv = ["reconciler"]
try:
    main()
except SystemExit:
    pass
print("pydantic" in sys.modules, file=sys.stderr)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert ended.stderr.strip() == "False"
