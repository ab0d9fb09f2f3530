"""The Environment kind: connections, variables, guardrails and patches. It has no live counterpart."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AwareDatetime, BeforeValidator, Field, StringConstraints, model_validator

from reconciler.kind.semantics import FieldSemantics, SpecModel
from reconciler.kind.sensitive import FreeText
from reconciler.manifest.service import ServiceSettings
from reconciler.manifest.texts import Duration


def _only_text(value: object) -> object:
    if not isinstance(value, str | datetime):
        raise ValueError("a time is text")  # noqa: TRY004 - pydantic turns only ValueError into a finding
    return value


# Below one in ten seconds nothing would ever end, and nobody would know why.
RequestsPerSecond = Annotated[
    float,
    Field(
        ge=0.1,
        le=10_000,
        description="Requests a second, across all of a run; where the ledger is on PostgreSQL, across all processes.",
    ),
]
ConfigurationPercent = Annotated[
    int,
    Field(
        ge=1,
        le=90,
        description="Percent of requestsPerSecond that plan, drift and apply get at least while data syncs use the"
        " rest; where the ledger is on PostgreSQL.",
    ),
]
# It travels in a header.
SiteID = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=200)]


class OrderCloudConnection(SpecModel):
    """Where the OrderCloud marketplace is and how to log in: region and environment, or explicit URLs."""

    region: Literal["us-west", "us-east", "australia-east", "europe-west", "japan-east"] | None = Field(
        default=None, description="Azure region of the marketplace."
    )
    environment: Literal["sandbox", "staging", "production"] | None = Field(
        default=None, description="OrderCloud environment. Staging is overwritten from production every Sunday."
    )
    api_url: str | None = Field(default=None, description="API base including /v1, instead of region and environment.")
    auth_url: str | None = Field(default=None, description="Token endpoint; needed with apiUrl.")
    client_id: str = Field(alias="clientID", description="API client ID.")
    client_secret: Annotated[str, FieldSemantics(write_only=True)] = Field(description="API client secret.")
    requests_per_second: RequestsPerSecond = 50
    configuration_percent: ConfigurationPercent = 10

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if (self.api_url is None) != (self.auth_url is None):
            raise ValueError("apiUrl and authUrl belong together")
        if self.api_url is None and (self.region is None or self.environment is None):
            raise ValueError("write region and environment, or apiUrl and authUrl")
        if self.api_url is not None and self.region is not None:
            raise ValueError("apiUrl and region both say where the API is: write one of the two")
        return self


class SparkLayerConnection(SpecModel):
    """Which SparkLayer site, and how to log in."""

    stage: Literal["live", "test"] | None = Field(default=None, description="SparkLayer's own environment.")
    url: str | None = Field(default=None, description="API base, instead of stage.")
    site_id: SiteID = Field(alias="siteID", description="Site ID, from Dashboard, Settings, API.")
    client_id: str | None = Field(
        default=None,
        alias="clientID",
        description="Client ID, from Dashboard, Settings, API. Left out with clientSecret: what Ignite hands over.",
    )
    client_secret: Annotated[str, FieldSemantics(write_only=True)] | None = Field(
        default=None, description="Client secret."
    )
    requests_per_second: RequestsPerSecond = 20
    configuration_percent: ConfigurationPercent = 10

    @model_validator(mode="after")
    def _says_where(self) -> Self:
        if (self.stage is None) == (self.url is None):
            raise ValueError("write stage or url, one of the two")
        if (self.client_id is None) != (self.client_secret is None):
            raise ValueError("clientID and clientSecret belong together")
        return self


class Override(SpecModel):
    """A guardrail that need not be kept for some objects until a moment: reviewed with the change that needs it."""

    rule: Literal[
        "loses-data",
        "stopAll",
        "maxDeletes",
        "maxChanges",
        "requirePauseEnd",
        "maxPause",
        "targetHosts",
        "literalSecrets",
        "resyncMax",
    ] = Field(description="ID of the guardrail.")
    objects: Annotated[list[str], Field(min_length=1)] = Field(description="Changes that it is for, as KIND/NAME.")
    reason: Annotated[str, StringConstraints(pattern=r"\S"), FreeText] = Field(description="Why; shown with the plan.")
    until: Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_only_text)] = Field(
        description="Void from then on."
    )


class Guardrails(SpecModel):
    """What one plan may do. Each rule has an ID, its name here, and a section in docs/guardrails.md."""

    max_deletes: Annotated[int, Field(ge=0)] = Field(default=0, description="Deletes in one plan.")
    max_changes: Annotated[int, Field(ge=0)] = Field(default=50, description="Changes in one plan.")
    require_pause_end: bool = Field(default=True, description="A new pause must say until when.")
    max_pause: Duration = Field(default="7d", description="Longest new pause.")
    literal_secrets: Literal["allow", "warn", "forbid"] = Field(
        default="warn", description="Secrets written into the manifests themselves."
    )
    stop_all: Literal["allow", "forbid"] = Field(default="forbid", description="All syncs paused or removed at once.")
    resync_max: Annotated[int, Field(ge=1)] = Field(
        default=25, description="Records in the re-syncs of one plan or command."
    )
    unmanaged: Literal["report", "drift", "ignore"] = Field(
        default="report", description="What a live object is that no manifest names."
    )
    overrides: list[Override] = Field(default=[], description="Rules that need not be kept for some objects.")
    max_plan_age: Duration = Field(default="14d", description="How long a saved plan stays an approval.")


HealCause = Literal["overdue-pause", "undeclared-pause", "window", "live-moved", "restored"]
HealRisk = Literal["stops-sync", "re-syncs", "cosmetic"]


class HealRule(SpecModel):
    """Drift that `drift --heal` may put right, by its cause and by what that can do."""

    cause: HealCause = Field(description="Cause of the drift.")
    after: Duration | None = Field(
        default=None,
        description="How long after `drift --heal` first saw it; left out: 30m for undeclared-pause, else at once.",
    )
    risks: Annotated[list[HealRisk], Field(min_length=1)] | None = Field(
        default=None, description="What putting it right may do; left out: all of these. What loses data is never done."
    )


class DriftSettings(SpecModel):
    """What is done about drift."""

    heal: list[HealCause | HealRule] = Field(
        default=[],
        description="Drift that `drift --heal` puts right without asking: causes, or maps with one. Left out: none.",
    )


class Applying(SpecModel):
    """How changes are carried out."""

    bracket: Literal["auto", "never"] = Field(
        default="auto",
        description="Whether a running sync is paused, and its new target probed, around a change of that target.",
    )


class Patch(SpecModel):
    """Changes one manifest for this environment: maps merge, lists and scalars are replaced."""

    kind: str = Field(description="Kind of the manifest to change.")
    name: str = Field(description="metadata.name of the manifest to change; it must exist.")
    spec: dict[str, Any] = Field(description="What to merge into its spec; null removes a member.")


class EnvironmentSpec(SpecModel):
    """One environment."""

    ordercloud: OrderCloudConnection | None = Field(default=None, description="OrderCloud marketplace.")
    sparklayer: SparkLayerConnection | None = Field(default=None, description="SparkLayer site.")
    ledger: str = Field(
        default="sqlite:///.reconciler/ledger.db",
        description="Database URL of the ledger: sqlite:/// or postgresql://.",
    )
    variables: dict[str, str | bool | int | float] = Field(default={}, description="Values for ${var:NAME}.")
    target_hosts: list[str] | None = Field(
        default=None, description="Hosts that delivery targets may point at; *. matches one or more labels."
    )
    guardrails: Guardrails = Field(default=Guardrails(), description="Limits on what one plan may do.")
    apply: Applying = Field(
        default=Applying(),
        description="How changes are carried out: whether a running sync is paused for some of them.",
    )
    restore_window: Annotated[
        str, StringConstraints(pattern=r"^(Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day ([01][0-9]|2[0-3]):[0-5][0-9]$")
    ] = Field(
        default="Sunday 03:00",
        description="When OrderCloud overwrites staging from production (UTC); vendor default Sunday 03:00.",
    )
    drift: DriftSettings = Field(default=DriftSettings(), description="Which drift may be put right without asking.")
    service: ServiceSettings | None = Field(
        default=None, description="What `reconciler serve` does for this environment; left out: nothing."
    )
    patches: list[Patch] = Field(default=[], description="Changes to manifests for this environment only.")
