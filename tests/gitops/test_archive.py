"""Archives are read as what a stranger may have made."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import PlanFileError
from reconciler.gitops import archive
from reconciler.gitops.archive import read_archive
from support.forges.github import zipped

PLAN = b'{"format_version": 1}' * 50


def written(*entries: tuple[str, bytes], method: int = zipfile.ZIP_DEFLATED, mode: int | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as made:
        for name, data in entries:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            if mode is not None:
                info.external_attr = mode << 16
            made.writestr(info, data)
    return content.getvalue()


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("mode", [None, 0o100644])
def test_the_one_file_is_read(method: int, mode: int | None) -> None:
    assert read_archive(written(("plan.json", PLAN), method=method, mode=mode)) == PLAN


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        zipped({}),
        written(("other.json", PLAN)),
        written(("../plan.json", PLAN)),
        written(("/plan.json", PLAN)),
        written(("a/plan.json", PLAN)),
        written(("plan.json", PLAN), ("other", b"")),
        written(("plan.json/", b"")),
        written(("plan.json", b"/etc/passwd"), mode=0o120777),
        written(("plan.json", b""), mode=0o010644),
        written(("plan.json", PLAN), method=zipfile.ZIP_BZIP2),
        written(("plan.json", PLAN), method=zipfile.ZIP_LZMA),
        written(("plan.json", PLAN))[:-30],
        written(("plan.json", PLAN))[40:],
        written(*((f"{number}", b"") for number in range(2000))),
    ],
)
def test_anything_else_is_refused(content: bytes) -> None:
    with pytest.raises(PlanFileError, match="the artifact's archive cannot be used"):
        read_archive(content)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_the_same_name_twice_is_refused() -> None:
    with pytest.raises(PlanFileError, match="exactly one"):
        read_archive(written(("plan.json", PLAN), ("plan.json", b"{}")))


def test_an_encrypted_file_is_refused() -> None:
    content = bytearray(written(("plan.json", PLAN)))
    content[content.rfind(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(PlanFileError, match="encrypted"):
        read_archive(bytes(content))


def test_no_more_is_decompressed_than_a_plan_may_have(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LARGEST_BYTES", 1000)
    assert len(read_archive(written(("plan.json", b"x" * 1000)))) == 1000
    with pytest.raises(PlanFileError, match="larger"):
        read_archive(written(("plan.json", b"x" * 1001)))
    # Also where the list of contents says that it is small.
    content = bytearray(written(("plan.json", b"x" * 100_000)))
    struct.pack_into("<I", content, content.rfind(b"PK\x01\x02") + 24, 10)
    with pytest.raises(PlanFileError):
        read_archive(bytes(content))


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_byte_that_differs_is_refused_or_makes_no_difference(place: int, byte: int) -> None:
    content = bytearray(written(("plan.json", PLAN)))
    content[place % len(content)] = byte
    try:
        found = read_archive(bytes(content))
    except PlanFileError:
        return
    assert found == PLAN


def test_a_folder_that_the_forge_puts_around_the_file_is_known_and_no_other() -> None:
    assert read_archive(written(("x/plan.json", PLAN)), folder="x") == PLAN
    assert read_archive(written(("x/", b""), ("x/plan.json", PLAN)), folder="x") == PLAN
    for name in ("plan.json", "y/plan.json", "x/../plan.json", "x/y/plan.json"):
        with pytest.raises(PlanFileError):
            read_archive(written((name, PLAN)), folder="x")
