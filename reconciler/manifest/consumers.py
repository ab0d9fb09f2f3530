"""`Environment.spec.service.consumers`: the brokers and containers that OrderCloud's messages are fetched from."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

from reconciler.kind.semantics import FieldSemantics, SpecModel
from reconciler.manifest.texts import DataSyncName, Duration, SecretText

# documented by Kafka: what a topic may be called. librdkafka takes one that begins with ^ for a pattern of topics.
Topic = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,249}$")]
Group = Annotated[str, StringConstraints(pattern=r"^[!-~]{1,255}$")]
MaxMessage = Annotated[
    int, Field(ge=1_000, le=50_000_000, description="Bytes of one message; one with more is set aside.")
]
StartAt = Annotated[
    Literal["earliest", "latest"],
    Field(description="Where a group begins that has read nothing yet: what is there, or what comes."),
]


class KafkaConsumer(SpecModel):
    """Topics of Apache Kafka, or of what speaks its protocol."""

    bootstrap_servers: Annotated[str, Field(min_length=1), FieldSemantics(host="brokers")] = Field(
        description="Brokers as host:port, separated by commas."
    )
    topics: Annotated[list[Topic], Field(min_length=1)] = Field(description="Topics to read.")
    group: Group = Field(description="Consumer group; processes with the same share the partitions.")
    data_sync: DataSyncName
    username: str | None = Field(default=None, description="SASL user name.")
    password: SecretText | None = Field(default=None, description="SASL password; write-only.")
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        default="PLAIN", description="SASL mechanism, where there is a user name."
    )
    tls: bool = Field(default=True, description="Whether the brokers speak TLS. Off loopback a password needs it.")
    start_at: StartAt = "earliest"
    max_message: MaxMessage = 1_000_000

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together")
        return self


class EventHubConsumer(SpecModel):
    """An event hub, read through the Kafka endpoint of its namespace."""

    connection_string: Annotated[
        str, Field(min_length=1), FieldSemantics(write_only=True, host="connection-string")
    ] = Field(description="Connection string of a policy that may listen; write-only.")
    name: Topic = Field(description="Name of the event hub.")
    group: Group = Field(
        default="$Default", description="Consumer group; processes with the same share the partitions."
    )
    data_sync: DataSyncName
    start_at: StartAt = "earliest"
    max_message: MaxMessage = 1_000_000


class BlobConsumer(SpecModel):
    """A container of Azure Blob Storage."""

    connection_string: Annotated[
        str, Field(min_length=1), FieldSemantics(write_only=True, host="connection-string")
    ] = Field(description="Connection string of the storage account; write-only.")
    container: Annotated[str, StringConstraints(pattern=r"^(\$root|[a-z0-9](-?[a-z0-9]){2,62})$")] = Field(
        description="Container that messages are written to."
    )
    prefix: Annotated[str, StringConstraints(max_length=1024)] = Field(
        default="", description="With which the names of the blobs begin; left out: all blobs."
    )
    data_sync: DataSyncName
    interval: Duration = Field(default="10s", description="How long after a listing the next one begins.")
    afterwards: Literal["keep", "delete"] = Field(
        default="keep", description="What becomes of a blob once the ledger has it."
    )
    max_message: MaxMessage = 1_000_000


class Consumer(SpecModel):
    """One place that messages are fetched from."""

    kafka: KafkaConsumer | None = Field(default=None, description="Apache Kafka.")
    event_hub: EventHubConsumer | None = Field(default=None, description="Event Hubs, by its Kafka endpoint.")
    azure_blob: BlobConsumer | None = Field(default=None, description="Azure Blob Storage.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(each is not None for each in (self.kafka, self.event_hub, self.azure_blob)) != 1:
            raise ValueError("write kafka, eventHub or azureBlob, one of the three")
        return self

    @property
    def section(self) -> Literal["kafka", "eventHub", "azureBlob"]:
        """Name of the member that it has."""
        if self.kafka is not None:
            return "kafka"
        return "eventHub" if self.event_hub is not None else "azureBlob"

    @property
    def data_sync(self) -> str:
        """Name of the DataSync that its messages are for."""
        found = self.kafka or self.event_hub or self.azure_blob
        return "" if found is None else found.data_sync
