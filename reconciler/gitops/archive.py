"""The one file of an artifact's archive, read as what a stranger may have made."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib

from reconciler.errors import PlanFileError
from reconciler.reconcile.planread import LARGEST_BYTES

MEMBER = "plan.json"
"""The only file that is read of an artifact."""
_END, _END_64 = b"PK\x05\x06", b"PK\x06\x07"
_END_BYTES = 22
_LONGEST_COMMENT = 65_535
# Of the list of contents: zipfile reads all of it, and an archive that we take has one file.
_LARGEST_LIST = 4096
_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def read_archive(content: bytes, folder: str | None = None) -> bytes:
    """Return the plan in an artifact's archive. Nothing is written anywhere, and no name in it is followed.

    Args:
        content: the archive.
        folder: in which the file lies, where the forge puts one around an artifact's files.

    Raises:
        PlanFileError: it is no archive, or does not hold exactly one plain file of that name, of a plan's size at most.
    """
    _check_list(content)
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = [info for info in archive.infolist() if folder is None or info.filename != f"{folder}/"]
            if [info.filename for info in found] != [MEMBER if folder is None else f"{folder}/{MEMBER}"]:
                raise _refused(f"it does not hold exactly one file {MEMBER}")
            (info,) = found
            if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                raise _refused(f"{MEMBER} in it is no plain file")
            if info.flag_bits & _ENCRYPTED or info.compress_type not in _METHODS:
                raise _refused(f"{MEMBER} in it is encrypted, or compressed in a way that is not taken")
            with archive.open(info) as file:
                # What it says of its size is not asked: no more is decompressed than a plan may have.
                plan = file.read(LARGEST_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError, struct.error) as error:
        raise _refused("it is damaged, or no zip archive") from error
    if len(plan) > LARGEST_BYTES:
        raise _refused(f"{MEMBER} in it is larger than {LARGEST_BYTES // 2**20} MiB")
    return plan


def _check_list(content: bytes) -> None:
    """Refuse an archive whose list of contents is long: zipfile would make an object of each entry."""
    place = content.rfind(_END, max(0, len(content) - _END_BYTES - _LONGEST_COMMENT))
    if place < 0 or len(content) - place < _END_BYTES:
        raise _refused("it is damaged, or no zip archive")
    (size,) = struct.unpack_from("<I", content, place + 12)
    # A locator of the 64-bit list would be followed in its place.
    if size > _LARGEST_LIST or content[max(0, place - 20) : place].startswith(_END_64):
        raise _refused(f"it does not hold exactly one file {MEMBER}")


def _refused(what: str) -> PlanFileError:
    return PlanFileError(f"the artifact's archive cannot be used: {what}")
