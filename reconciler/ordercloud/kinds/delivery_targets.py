"""The twelve delivery targets, member by member.

Members, which are required and which are write-only: the vendor's .NET SDK types (fact sheet §3). Write-only members
are never returned by a read.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from reconciler.kind.semantics import FieldSemantics, Risk, SpecModel

Required = Annotated[str, Field(min_length=1), FieldSemantics(risk=Risk.RE_SYNCS)]
Endpoint = Annotated[str, Field(min_length=1), FieldSemantics(host="url", risk=Risk.RE_SYNCS)]
WriteOnly = Annotated[str, Field(min_length=1), FieldSemantics(write_only=True)]
WriteOnly50 = Annotated[str, Field(min_length=1, max_length=50), FieldSemantics(write_only=True)]
HeaderValue = Annotated[str, Field(min_length=1), FieldSemantics(write_only=True, accompanies="customAuthHeaderName")]
HeaderValue50 = Annotated[
    str, Field(min_length=1, max_length=50), FieldSemantics(write_only=True, accompanies="customAuthHeaderName")
]
ConnectionString = Annotated[str, Field(min_length=1), FieldSemantics(write_only=True, host="connection-string")]


class Kafka(SpecModel):
    """Apache Kafka, or anything that speaks its protocol."""

    bootstrap_servers: Annotated[str, Field(min_length=1), FieldSemantics(host="brokers", risk=Risk.RE_SYNCS)] = Field(
        description="Brokers as host:port, separated by commas."
    )
    # One vendor sample says SASL is needed only where the cluster asks for it; the SDK types say required.
    sasl_username: Required = Field(description="SASL user name.")
    sasl_password: WriteOnly = Field(description="SASL password; write-only.")
    topic: Required = Field(description="Topic that messages are written to.")


class Http(SpecModel):
    """An HTTP(S) endpoint of yours."""

    endpoint: Endpoint = Field(description="URL that messages are POSTed to.")
    secret: WriteOnly50 = Field(
        description="Key of the HMAC-SHA256 signature in the X-oc-hash header, at most 50 characters; write-only."
    )
    custom_auth_header_name: str | None = Field(default=None, description="Name of a header sent with each message.")
    custom_auth_header_value: HeaderValue50 | None = Field(
        default=None, description="Value of that header, at most 50 characters; write-only."
    )


class EventHub(SpecModel):
    """Azure Event Hubs."""

    event_hub_name: Required = Field(description="Name of the event hub.")
    connection_string: ConnectionString = Field(description="Connection string with the Send claim; write-only.")


class AzureBlob(SpecModel):
    """Azure Blob Storage."""

    connection_string: ConnectionString = Field(description="Storage account connection string; write-only.")
    override_container_name: str | None = Field(default=None, description="Container, instead of the default one.")


class AzureTable(SpecModel):
    """Azure Table Storage."""

    connection_string: ConnectionString = Field(description="Storage account connection string; write-only.")
    override_table_name: str | None = Field(default=None, description="Table, instead of the default one.")


class CosmosDb(SpecModel):
    """Azure Cosmos DB."""

    connection_string: ConnectionString = Field(description="Account connection string; write-only.")
    override_database_name: str | None = Field(default=None, description="Database, instead of the default one.")


class MessageSender(SpecModel):
    """An HTTP endpoint that sends e-mails and the like for OrderCloud."""

    endpoint: Endpoint = Field(description="URL that messages are POSTed to.")
    secret: WriteOnly50 = Field(description="Key of the signature, at most 50 characters; write-only.")


class SearchIngestionHttpContent(SpecModel):
    """Middleware that supplies localised content for Sitecore Search."""

    endpoint: Endpoint = Field(description="URL of the middleware.")
    custom_auth_header_name: str | None = Field(default=None, description="Name of a header sent with each request.")
    custom_auth_header_value: HeaderValue | None = Field(default=None, description="Value of that header; write-only.")


class SearchIngestionContent(SpecModel):
    """Localised content for Sitecore Search."""

    locales: list[str] = Field(description="Locales to ingest, e.g. en-GB.")
    http: SearchIngestionHttpContent | None = Field(default=None, description="Where the content comes from.")


class SearchIngestion(SpecModel):
    """Sitecore Search. Every entity type needs a delivery config of its own, because `entity` names one."""

    domain: Required = Field(description="Domain ID in Sitecore Search.")
    source: Required = Field(description="Source ID in Sitecore Search.")
    endpoint: Endpoint = Field(description="Ingestion API, e.g. https://discover.sitecorecloud.io.")
    entity: Required = Field(description="Entity name exactly as defined in Sitecore Search, e.g. product.")
    api_key: WriteOnly = Field(description="Ingestion API key; write-only.")
    content: SearchIngestionContent | None = Field(default=None, description="Localised content.")


class ContentHub(SpecModel):
    """Sitecore Content Hub. For ProductSync only."""

    endpoint: Endpoint = Field(description="URL of the Content Hub.")
    target_schema_name: Required = Field(description="Schema that products are written to.")
    api_key: WriteOnly50 = Field(description="API key, at most 50 characters; write-only.")
    config_data: dict[str, Any] | None = Field(default=None, description="Custom property mapping.")


class SendEvent(SpecModel):
    """Sitecore Send. For tracking events only."""

    site_id: Required = Field(alias="siteID", description="Site ID in Sitecore Send.")
    service_endpoint: Endpoint = Field(description="URL of the service.")


class DiscoverEvent(SpecModel):
    """Sitecore Discover. For tracking events only."""

    client_id: Required = Field(alias="clientID", description="Client ID in Sitecore Discover.")
    service_endpoint: Endpoint = Field(description="URL of the service.")
    api_key: WriteOnly = Field(description="API key; write-only.")


class Mailchimp(SpecModel):
    """Mailchimp Transactional (formerly Mandrill), for message senders."""

    api_key: WriteOnly50 | None = Field(
        default=None, description="API key, at most 50 characters; left out: the vendor's test account. Write-only."
    )


class DeliveryTargets(SpecModel):
    """Where a delivery config sends: any number of custom targets, and at most one known integration."""

    kafka: Kafka | None = Field(default=None, description="Apache Kafka.")
    http: Http | None = Field(default=None, description="An HTTP(S) endpoint of yours.")
    event_hub: EventHub | None = Field(default=None, description="Azure Event Hubs.")
    azure_blob: AzureBlob | None = Field(default=None, description="Azure Blob Storage.")
    azure_table: AzureTable | None = Field(default=None, description="Azure Table Storage.")
    cosmos_db: CosmosDb | None = Field(default=None, description="Azure Cosmos DB.")
    message_sender: MessageSender | None = Field(default=None, description="A message sender of yours.")
    search_ingestion: SearchIngestion | None = Field(default=None, description="Sitecore Search (known integration).")
    content_hub: ContentHub | None = Field(default=None, description="Sitecore Content Hub (known integration).")
    send_event: SendEvent | None = Field(default=None, description="Sitecore Send (known integration).")
    discover_event: DiscoverEvent | None = Field(default=None, description="Sitecore Discover (known integration).")
    mailchimp: Mailchimp | None = Field(
        default=None, description="Mailchimp, called Mandrill by older API versions (known integration)."
    )


KNOWN_INTEGRATIONS = ("searchIngestion", "contentHub", "sendEvent", "discoverEvent", "mailchimp")
