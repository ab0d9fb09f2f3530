"""Models of delivery configs and their targets, from the fact sheet (§2 and §3)."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.emulator.ordercloud.models import Member, Model

_TEXT = Member(str)
_REQUIRED = Member(str, required=True)
_SECRET = Member(str, required=True, write_only=True)
_SHORT_SECRET = Member(str, required=True, write_only=True, max_length=50)


def _target(name: str, **members: Member) -> Member:
    return Member(dict, model=Model(name, members))


_SEARCH_HTTP = Model(
    "SearchIngestionHttpContent",
    {
        "Endpoint": _REQUIRED,
        "CustomAuthHeaderName": _TEXT,
        "CustomAuthHeaderValue": Member(str, write_only=True),
    },
)
_SEARCH_CONTENT = Model(
    "SearchIngestionContent",
    {"Locales": Member(list, required=True, items=str), "Http": Member(dict, model=_SEARCH_HTTP)},
)

CUSTOM_TARGETS: Mapping[str, Member] = {
    "Kafka": _target(
        "KafkaConfig", BootstrapServers=_REQUIRED, SaslUsername=_REQUIRED, SaslPassword=_SECRET, Topic=_REQUIRED
    ),
    "Http": _target(
        "HttpConfig",
        Endpoint=_REQUIRED,
        Secret=_SHORT_SECRET,
        CustomAuthHeaderName=_TEXT,
        CustomAuthHeaderValue=Member(str, write_only=True, max_length=50),
    ),
    "EventHub": _target("EventHubConfig", EventHubName=_REQUIRED, ConnectionString=_SECRET),
    "AzureBlob": _target("AzureBlobConfig", ConnectionString=_SECRET, OverrideContainerName=_TEXT),
    "AzureTable": _target("AzureTableConfig", ConnectionString=_SECRET, OverrideTableName=_TEXT),
    "CosmosDb": _target("CosmosDbConfig", ConnectionString=_SECRET, OverrideDatabaseName=_TEXT),
    # inferred: listed as a custom target, in practice used by message senders.
    "MessageSender": _target("MessageSenderConfig", Endpoint=_REQUIRED, Secret=_SHORT_SECRET),
}
KNOWN_TARGETS: Mapping[str, Member] = {
    "SearchIngestion": _target(
        "SearchIngestion",
        Domain=_REQUIRED,
        Source=_REQUIRED,
        Endpoint=_REQUIRED,
        Entity=_REQUIRED,
        ApiKey=_SECRET,
        Content=Member(dict, model=_SEARCH_CONTENT),
    ),
    "ContentHub": _target(
        "ContentHubConfig",
        ApiKey=_SHORT_SECRET,
        Endpoint=_REQUIRED,
        TargetSchemaName=_REQUIRED,
        ConfigData=Member(dict),
    ),
    "SendEvent": _target("SendEvent", SiteID=_REQUIRED, ServiceEndpoint=_REQUIRED),
    "DiscoverEvent": _target("DiscoverEvent", ClientID=_REQUIRED, ApiKey=_SECRET, ServiceEndpoint=_REQUIRED),
}
# The Mailchimp text says that a default account is used when the key is empty; Mandrill, its older name, required it.
MAILCHIMP = _target("MailchimpConfig", ApiKey=Member(str, write_only=True, max_length=50))
MANDRILL = _target("MandrillConfig", ApiKey=_SHORT_SECRET)


def _delivery_config(**last_known_target: Member) -> Model:
    targets = Model("DeliveryTargets", {**CUSTOM_TARGETS, **KNOWN_TARGETS, **last_known_target})
    return Model(
        "DeliveryConfig",
        {
            "ID": _TEXT,
            "Name": Member(str, required=True, max_length=128),
            # inferred: the default; the SDK type is a plain boolean, which .NET leaves false.
            "Enabled": Member(bool, default=False),
            "DeliveryTargets": Member(dict, required=True, model=targets),
        },
    )


WITH_MAILCHIMP = _delivery_config(Mailchimp=MAILCHIMP)
WITH_MANDRILL = _delivery_config(Mandrill=MANDRILL)
