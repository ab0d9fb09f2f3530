"""On Azure Pipelines a variable that is not set arrives as the text `$(NAME)`, which is no value."""

from __future__ import annotations

from reconciler.cli.run import _drop_unset


def test_what_azure_did_not_set_is_not_set() -> None:
    environ = {"TF_BUILD": "True", "OC_CLIENT_SECRET": "$(OC_CLIENT_SECRET)", "KEY": "$(OTHER)", "PLAIN": "x"}
    _drop_unset(environ)
    assert environ == {"TF_BUILD": "True", "KEY": "$(OTHER)", "PLAIN": "x"}


def test_elsewhere_such_a_text_is_a_value() -> None:
    environ = {"OC_CLIENT_SECRET": "$(OC_CLIENT_SECRET)"}
    _drop_unset(environ)
    assert environ == {"OC_CLIENT_SECRET": "$(OC_CLIENT_SECRET)"}
