"""The options by which `serve` is told where it listens and who may see its page."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from reconciler.errors import UsageError

if TYPE_CHECKING:
    from reconciler.report.log import Log
    from reconciler.serve.front import Asked

_Function = TypeVar("_Function", bound=Callable[..., Any])
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


log_option = click.option(
    "--log-format",
    type=click.Choice(("text", "json")),
    default="text",
    show_default=True,
    help="How stderr is written.",
)


@contextmanager
def traced(log: Log) -> Iterator[None]:
    """Within, traces are sent where OpenTelemetry's environment variables ask for them; the log says so.

    Where the extra is missing, that is told and no error: the variables often stand for all programs of a cluster.
    """
    import logging

    from reconciler import tracing
    from reconciler.extras import how_to_install
    from reconciler.report.log import Unsent

    asked = tracing.endpoint(os.environ)
    if asked is not None:
        try:
            tracing.begin()
        except ModuleNotFoundError:
            log.say("no-traces", f"{asked} asks for traces. {how_to_install('telemetry')}", level="warning")
        else:
            log.say("traces", f"traces are sent to where {asked} says")
            library = logging.getLogger("opentelemetry")
            library.propagate = False
            library.addHandler(Unsent(log, asked))
    try:
        yield
    finally:
        tracing.end()


def front_options(function: _Function) -> _Function:
    """Add the options of the front to a command."""
    options = (
        click.option("--listen", metavar="HOST:PORT", help="Address to listen on.  [default: 127.0.0.1:8080]"),
        click.option("--public-url", metavar="URL", help="URL by which others reach it, where that is another one."),
        click.option("--tls-certificate", type=_FILE, metavar="FILE", help="Certificate and chain, PEM."),
        click.option("--tls-key", type=_FILE, metavar="FILE", help="Private key, PEM."),
        click.option(
            "--trusted-proxy", "proxies", multiple=True, metavar="CIDR", help="Network of a proxy that speaks TLS."
        ),
        click.option("--login-token-file", type=_FILE, metavar="FILE", help="File with the token to log in with."),
        click.option("--login-user-header", metavar="NAME", help="Header by which the proxy names who is logged in."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def asked_front(
    listen: str | None,
    public_url: str | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    proxies: tuple[str, ...],
    login_token_file: Path | None,
    login_user_header: str | None,
) -> Asked:
    """Return what the command line says of the front.

    Raises:
        UsageError: a certificate without its key, or a token file that holds none.
    """
    from reconciler.manifest.service import Tls
    from reconciler.secret import Secret
    from reconciler.serve.front import Asked

    if (tls_certificate is None) != (tls_key is None):
        raise UsageError("--tls-certificate and --tls-key belong together", next_step="Name both files, or neither.")
    tls = None if tls_certificate is None else Tls(certificate=str(tls_certificate), key=str(tls_key))
    tokens: tuple[Secret, ...] = ()
    if login_token_file is not None:
        token = login_token_file.read_text(encoding="utf-8").strip()
        if not token:
            raise UsageError(f"{login_token_file} is empty", next_step="Write the token into it.")
        tokens = (Secret(str(login_token_file), lambda: token),)
    return Asked(listen, public_url, tls, proxies, tokens, login_user_header)
