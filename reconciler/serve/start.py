"""Start of the service: the environments that it is to serve, opened and checked; those that are broken set aside."""

from __future__ import annotations

import os
from collections.abc import Mapping

from msgspec import Struct

from reconciler.app.commits import clean_commit
from reconciler.app.ignite.credentials import renewed_seal
from reconciler.app.one_ledger import require_one_ledger
from reconciler.app.project import Project
from reconciler.clock import utc_now
from reconciler.errors import ManifestErrors, Problem, ReconcilerError, UsageError
from reconciler.ledger.process import describe_holder
from reconciler.manifest.service import listen_address
from reconciler.report.log import Log
from reconciler.serve.checks import require_guarded, require_ready
from reconciler.serve.front import Asked, front_of, left_aside
from reconciler.serve.service import Served, Service
from reconciler.words import listed


class Opened(Struct, frozen=True):
    """The environments of a project as a service sees them: those that it serves, and why it does not serve others.

    `told` is what is wrong with one that is served all the same.
    """

    served: Mapping[str, Served]
    broken: Mapping[str, ReconcilerError]
    idle: tuple[str, ...] = ()
    told: Mapping[str, str] = {}


def open_environments(
    project: Project, environ: Mapping[str, str] | None = None, *, only_intake: bool = False
) -> Opened:
    """Open the environments that are meant, and check what each has the service do.

    Of several, one that is broken takes out itself, and one that names nothing is left out.

    Args:
        project: the manifests, and which environments.
        environ: the environment variables of the process; left out: those that it has.
        only_intake: whether only those are meant that name consumers.

    Raises:
        UsageError: what is left has several ledgers.
        ReconcilerError: nothing is left to serve, and why.
    """
    openers, commit = project.openers(), clean_commit(project.manifests)
    served: dict[str, Served] = {}
    broken: dict[str, ReconcilerError] = {}
    idle: list[str] = []
    told: dict[str, str] = {}
    for name, reopened in openers.items():
        if isinstance(reopened, ReconcilerError):
            broken[name] = reopened
            continue
        try:
            session = reopened(utc_now())
            section = session.service()
            if section is None or (only_intake and not section.settings.consumers):
                idle.append(name)
                continue
            require_ready(session, section, os.environ if environ is None else environ)
            if section.settings.ignite is not None and (wrong := renewed_seal(session, project.environ)) is not None:
                told[name] = wrong
            served[name] = Served(session, section, reopened, project.manifests, commit)
        except ReconcilerError as error:
            broken[name] = error
    if not served:
        raise _nothing(tuple(openers), broken, "spec.service.consumers" if only_intake else "spec.service")
    require_one_ledger({name: each.session.settings.ledger for name, each in served.items()})
    return Opened(served, broken, tuple(idle), told)


def _nothing(names: tuple[str, ...], broken: Mapping[str, ReconcilerError], section: str) -> ReconcilerError:
    problems: list[Problem] = []
    for error in broken.values():
        if not isinstance(error, ManifestErrors):
            return error
        problems.extend(error.problems)
    if problems:
        return ManifestErrors(list(dict.fromkeys(problems)))
    return UsageError(
        f"nothing is to be served: {', '.join(names)} without {section}",
        next_step="Say in spec.service of the Environment what the service does.",
    )


def open_service(
    project: Project,
    asked: Asked,
    log: Log,
    environ: Mapping[str, str] | None = None,
    *,
    command: str = "serve",
    only_intake: bool = False,
) -> Service:
    """Open a service, checked and ready to run. See `open_environments`.

    Args:
        project: the manifests, and which environments.
        asked: what the command line says of the front.
        log: takes what happens.
        environ: the environment variables of the process; left out: those that it has.
        command: what runs it, for people.
        only_intake: whether it only takes messages in.

    Raises:
        ReconcilerError: it cannot start, and why.
    """
    opened = open_environments(project, environ, only_intake=only_intake)
    try:
        if asked.listen is not None:
            listen_address(asked.listen)
        # Whether one process is one environment's is the command line's to say, not what is broken today.
        alone = len(opened.served) + len(opened.broken) == 1
        front = front_of(asked, [each.section for each in opened.served.values()] if alone else [])
    except ValueError as error:
        raise UsageError(str(error), next_step="`reconciler serve --help` shows how.") from error
    require_guarded(front)
    for name, each in () if alone else opened.served.items():
        if left := left_aside(each.section):
            why = "where one process of several environments listens, the command line says"
            log.say("front-left-aside", f"{listed(left)} of spec.service left aside: {why}", environment=name)
    for name, words in opened.told.items():
        log.say("ignite-key-lost", words, level="error", environment=name)
    return Service(opened.served, opened.broken, front, describe_holder(command), log)
