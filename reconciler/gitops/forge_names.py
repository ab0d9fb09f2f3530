"""The names of the forges. Apart from what is known of them, so that a command's help needs none of it."""

from __future__ import annotations

from enum import StrEnum


class ForgeName(StrEnum):
    """The forges, as `--forge` names them."""

    GITHUB = "github"
    AZURE = "azure"
    GITLAB = "gitlab"
