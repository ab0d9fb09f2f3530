from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.kind.kind import ManifestKinds
from reconciler.manifest.load import Loaded, load
from reconciler.manifest.validate import Validation, validate
from reconciler.registry import manifest_kinds as registered

Check = Callable[..., Validation]


@pytest.fixture(scope="session")
def kinds() -> ManifestKinds:
    return registered()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Write files (`name="content"`, bytes or text; a plain argument becomes m.yaml) and return their folder."""
    folder = tmp_path / "manifests"
    folder.mkdir()

    def _write(content: str | bytes | None = None, **files: str | bytes) -> Path:
        named = {f"{name}.yaml": text for name, text in files.items()}
        if content is not None:
            named["m.yaml"] = content
        for name, text in named.items():
            (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
        return folder

    return _write


@pytest.fixture
def loaded(write: Callable[..., Path], kinds: ManifestKinds) -> Callable[..., Loaded]:
    return lambda *contents, **files: load(write(*contents, **files), kinds)


@pytest.fixture
def check(loaded: Callable[..., Loaded], kinds: ManifestKinds) -> Check:
    """Validate what was written; whatever is found there says what to do about it."""

    def _check(*contents: str | bytes, **files: str | bytes) -> Validation:
        found = validate(loaded(*contents, **files), kinds)
        without_advice = [problem for problem in (*found.problems, *found.warnings) if not problem.hint]
        assert not without_advice
        return found

    return _check
