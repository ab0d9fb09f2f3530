"""What has to be right before the service starts: all that spec.service names, checked at once, with file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING

from reconciler.app.ignite.site import IgniteSite
from reconciler.errors import ManifestErrors, MissingExtra, Problem, UsageError
from reconciler.intake.consumers import problems as consumer_problems
from reconciler.ledger.url import require_durable
from reconciler.manifest.connection import Service as Section
from reconciler.reconcile.session import Session
from reconciler.secret import unset_secret
from reconciler.serve.front import Front
from reconciler.sync.datasync import KIND, TARGET

if TYPE_CHECKING:
    from reconciler.serve.service import Served

_FEATURE = "A service"


def require_ready(session: Session, section: Section, environ: Mapping[str, str]) -> None:
    """Check all that an environment has the service do.

    Args:
        session: the environment.
        section: its spec.service.
        environ: the environment variables of the process.

    Raises:
        ManifestErrors: what is wrong with it, each with its place.
        MissingExtra: something is named whose packages are not installed.
        LedgerNotDurable: the ledger would forget everything.
    """
    of_consumers = consumer_problems(section, session.name, session.settings.target_hosts)
    problems = [*_unset(section), *_unknown_syncs(session, section), *of_consumers]
    if problems:
        raise ManifestErrors(problems)
    for extra, feature in _extras(section):
        raise MissingExtra(feature, extra)
    require_durable(session.settings.ledger, environ, _FEATURE)


def require_guarded(front: Front) -> None:
    """Check that nobody off this machine sees the page without a login, or a login in the clear.

    Raises:
        UsageError: somebody could.
    """
    if front.user_header is not None and not front.proxies:
        raise UsageError(
            "a header names who is logged in, and no trusted proxy is named: anybody could send it",
            next_step="Name the proxy's networks in spec.service.trustedProxy, or with --trusted-proxy.",
        )
    for token in front.login_tokens:
        if not token.is_set:
            raise ManifestErrors([unset_secret(token, "The service")])
    if front.is_loopback:
        return
    where = f"it listens on {front.host}, which others reach"
    if not front.has_login:
        raise UsageError(
            f"the page needs a login: {where}",
            next_step="Add login to spec.service (tokens, or a trusted proxy's userHeader), or listen on 127.0.0.1.",
        )
    if front.tls is None and not front.proxies:
        raise UsageError(
            f"TLS is needed: {where}, and tokens would travel in the clear",
            next_step="Add tls to spec.service, or name the trustedProxy that speaks TLS, or listen on 127.0.0.1.",
        )


def shadowed_sites(environments: Iterable[Served]) -> Iterator[tuple[str, str]]:
    """Yield environments whose Ignite nobody reaches, each with the one that is asked in its place.

    Calls name a siteEnv and a siteId. Of several environments with the same ones, the first answers whose guards let a
    call in. One is shadowed where an earlier one lets in all that it does.
    """
    seen: list[tuple[Served, IgniteSite]] = []
    for served in environments:
        settings = served.section.settings.ignite
        if settings is None or TARGET not in served.session.connections:
            continue
        site = IgniteSite(served.session, settings)
        for first, before in seen:
            if before.is_meant(site.env, site.target.site_id or "") and _lets_in_all(first.section, served.section):
                yield served.name, first.name
                break
        seen.append((served, site))


def _lets_in_all(section: Section, of_other: Section) -> bool:
    """Whether one Ignite section certainly lets in whoever another one lets in."""
    ours, theirs = section.settings.ignite, of_other.settings.ignite
    if ours is None or theirs is None:
        return False
    tokens = {secret.value for secret in section.secrets("ignite", "tokens")}
    their_tokens = {secret.value for secret in of_other.secrets("ignite", "tokens")}
    knows_tokens = ours.tokens is None or (theirs.tokens is not None and their_tokens <= tokens)
    knows_networks = ours.allow is None or (theirs.allow is not None and {*theirs.allow} <= {*ours.allow})
    return knows_tokens and knows_networks


def _unset(section: Section) -> Iterator[Problem]:
    for secret in section.sealed.values():
        if not secret.is_set:
            yield unset_secret(secret, "The service")


def _unknown_syncs(session: Session, section: Section) -> Iterator[Problem]:
    known = sorted(item.name for item in session.desired if item.kind == KIND and not item.absent)
    for path, name in _named_syncs(section):
        if name not in known:
            yield Problem(
                "unknown-reference",
                f"Environment {session.name}: spec.service names the {KIND} {name[:60]}, which is not there",
                section.place(path),
                name[:60],
                f"There is {', '.join(known)}." if known else f"Add a manifest of kind {KIND}.",
            )


def _named_syncs(section: Section) -> Iterator[tuple[tuple[str | int, ...], str]]:
    settings = section.settings
    for number, deliveries in enumerate(settings.deliveries):
        yield ("deliveries", number, "dataSync"), deliveries.data_sync
    for number, consumer in enumerate(settings.consumers):
        yield ("consumers", number, consumer.section, "dataSync"), consumer.data_sync
    if settings.ignite is not None:
        yield ("ignite", "dataSync"), settings.ignite.data_sync


def _extras(section: Section) -> Iterator[tuple[str, str]]:
    """Yield the extras that are needed and missing, and what needs them."""
    needed: list[tuple[str, str, str]] = []
    consumers = section.settings.consumers
    if any(each.kafka or each.event_hub for each in consumers):
        needed.append(("confluent_kafka", "kafka", "Fetching messages from Kafka"))
    if any(each.azure_blob for each in consumers):
        needed.append(("azure.storage.blob", "azure", "Fetching messages from Azure Blob Storage"))
    for module, extra, feature in needed:
        if not _is_installed(module):
            yield extra, feature


def _is_installed(module: str, find: Callable[[str], object | None] = find_spec) -> bool:
    try:
        return find(module) is not None
    except ModuleNotFoundError:
        return False
