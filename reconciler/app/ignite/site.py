"""The site that SparkLayer calls about, as an environment has it: its connection, its data sync, how it is reached."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.app.chosen import Chosen
from reconciler.ledger.reader import Ledgers
from reconciler.manifest.connection import Connection
from reconciler.manifest.service import Ignite
from reconciler.reconcile.session import Session
from reconciler.sync.datasync import SOURCE, TARGET, DataSync, Standing, data_syncs, pulled_syncs

_TEST_HOST = "test."


class IgniteSite(Struct, frozen=True):
    """Site of one environment that is served as an Ignite integration.

    Args:
        session: the environment.
        settings: its spec.service.ignite.
    """

    session: Session
    settings: Ignite

    @property
    def target(self) -> Connection:
        """How the site is reached."""
        return self.session.connections[TARGET]

    @property
    def source(self) -> Connection:
        """How OrderCloud is reached."""
        return self.session.connections[SOURCE]

    @property
    def env(self) -> str:
        """What SparkLayer calls the stage of the site: live or test.

        inferred: that siteEnv is one of these two. Of an explicit URL the host says so, as SparkLayer's own do.
        """
        if self.settings.site_env is not None:
            return self.settings.site_env
        host = urlsplit(self.target.api_url).hostname or ""
        return "test" if host.startswith(_TEST_HOST) else "live"

    def is_meant(self, site_env: str, site_id: str) -> bool:
        """Whether SparkLayer calls about this site."""
        return site_env == self.env and site_id == self.target.site_id

    def is_disconnected(self) -> bool:
        """Whether SparkLayer disconnected the site; where it never connected it, it did not."""
        with Ledgers() as ledgers:
            found = self.session.memory(ledgers).sites.get(self.target.live_side)
        return found is not None and not found.connected

    def syncs(self) -> tuple[Chosen, ...]:
        """Return the data types that our runs send to the site, in their order."""
        with Ledgers() as ledgers:
            found = data_syncs(self.session, self.session.memory(ledgers))
        return self._own(found)

    def pulled(self) -> tuple[Chosen, ...]:
        """Return the data types that SparkLayer alone brings to the site."""
        with Ledgers() as ledgers:
            found = pulled_syncs(self.session, self.session.memory(ledgers))
        return self._own(found)

    def _own(self, syncs: Sequence[DataSync]) -> tuple[Chosen, ...]:
        return tuple(Chosen(self.session, sync) for sync in syncs if sync.name == self.settings.data_sync)


def is_applied(chosen: Sequence[Chosen]) -> bool:
    """Whether all of these are as they were reviewed and applied."""
    return bool(chosen) and all(each.sync.standing is Standing.APPLIED for each in chosen)
