"""`reconciler serve`: the service, until a signal ends it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import click

from reconciler.app.signals import run_for_long
from reconciler.cli.command import command
from reconciler.cli.exit_status import Status
from reconciler.cli.options import Options
from reconciler.cli.serve_options import asked_front, front_options, log_option, traced
from reconciler.errors import MissingExtra

EXAMPLES = """
reconciler serve -e production
reconciler serve -e production -e staging --listen 127.0.0.1:8080
reconciler serve -e production --log-format json
reconciler serve -e production --no-work   # beside `reconciler worker`
"""


@command("serve", examples=EXAMPLES, environments="several", result=False)
@click.option("--no-work", is_flag=True, help="Run no data syncs: workers do.")
@front_options
@log_option
@click.pass_obj
def serve(
    options: Options,
    no_work: bool,
    listen: str | None,
    public_url: str | None,
    tls_certificate: Path | None,
    tls_key: Path | None,
    proxies: tuple[str, ...],
    login_token_file: Path | None,
    login_user_header: str | None,
    log_format: Literal["text", "json"],
) -> Status:
    """Do what spec.service of the Environments names, until Ctrl-C or SIGTERM.

    All of it is checked before the start. The first signal lets what was begun come to its end (0), a second one ends
    at once (130). SIGHUP reads the manifests anew. Where several environments are served, --listen, login and TLS come
    from here; else they stand in spec.service as well.
    """
    try:
        from reconciler.report.log import Log
        from reconciler.serve.run import serve as run
        from reconciler.serve.start import open_environments, open_service
    except ModuleNotFoundError as error:
        raise MissingExtra("A service", "serve") from error
    asked = asked_front(listen, public_url, tls_certificate, tls_key, proxies, login_token_file, login_user_header)
    project, log = options.project, Log(log_format)
    with traced(log):
        service = open_service(project, asked, log)
        run_for_long(run(service, lambda: open_environments(project), works=not no_work))
    return Status.DONE
