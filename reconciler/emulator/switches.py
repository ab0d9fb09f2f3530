"""Switches: one for each behaviour that the fact sheets call inferred or unknown; SparkLayer's begin with `spark_`.

The promises of the reconciler are tested under every value of every switch: a guess is never tested against itself.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from reconciler.errors import UsageError


class Switches(BaseModel):
    """Switches for behaviour that nobody outside the vendors knows. The first value of each is the default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    patch_depth: Literal["deep", "targets", "shallow"] = Field(
        default="deep",
        description="How PATCH treats DeliveryTargets: deep merges the members of each target; targets keeps the"
        " targets that are not sent and replaces those that are; shallow replaces DeliveryTargets as a whole.",
    )
    write_only_read: Literal["absent", "null", "masked"] = Field(
        default="absent", description="What a read shows of a write-only member."
    )
    put_without_secrets: Literal["rejects", "keeps", "clears"] = Field(
        default="rejects",
        description="A PUT over an existing delivery config that leaves out required write-only members: 400; keeps the"
        " stored values; or takes it and has none afterwards.",
    )
    unconfigured_sync: Literal["not_found", "empty", "null_members"] = Field(
        default="not_found",
        description="GET of a sync that is not configured: 404; 200 {}; 200 with every member null.",
    )
    unconfigured_delete: Literal["not_found", "no_content"] = Field(
        default="not_found", description="DELETE of a sync that is not configured: 404 or 204."
    )
    in_use_delete_status: Literal["400", "409"] = Field(
        default="400", description="Status of DeliveryConfig.CannotDeleteConfigInUse."
    )
    renamed_config: Literal["followed", "not_followed"] = Field(
        default="followed", description="Whether syncs that point at a delivery config follow when its ID changes."
    )
    put_create_status: Literal["200", "201"] = Field(default="200", description="Status of a PUT that creates.")
    sync_status: Literal["204", "202"] = Field(default="204", description="Status of an accepted /sync operation.")
    sync_spelling: Literal["sdk", "guide", "both"] = Field(
        default="sdk", description="Which path a /sync operation has that SDKs and guide spell differently."
    )
    unknown_config_status: Literal["400", "404"] = Field(
        default="400", description="Status when a sync names a delivery config that does not exist."
    )
    known_target_name: Literal["mailchimp", "mandrill", "mandrill_only"] = Field(
        default="mailchimp",
        description="Name of the Mailchimp target in answers. mailchimp and mandrill understand both names when"
        " written; mandrill_only, an older API, ignores Mailchimp.",
    )
    missing_role_body: Literal["listed", "mapped", "bare"] = Field(
        default="listed",
        description="Data of a 403: a list of the missing roles; an object that holds that list; or null.",
    )
    login_status: Literal["401", "400"] = Field(
        default="401", description="Status of the token endpoint for a wrong client or secret."
    )
    scope_beyond_roles: Literal["narrowed", "refused"] = Field(
        default="narrowed", description="A token request for more roles than the client has: fewer granted, or refused."
    )

    unknown_record: Literal["not_found", "accepted"] = Field(
        default="not_found", description="A /sync operation for a record that there is not: 404, or taken."
    )
    xp_patch_depth: Literal["shallow", "deep"] = Field(
        default="shallow",
        description="How PATCH treats an object inside xp: shallow replaces it; deep merges its members. Keys of xp"
        " itself that are not sent survive either way.",
    )
    number_ids: Literal["as_numbers", "as_text"] = Field(
        default="as_numbers",
        description="How lists of products, submitted orders and line items sort IDs that look like numbers. Filters"
        " compare them as text either way, so as_numbers breaks the last-ID walk unless they are padded to one length.",
    )
    clashing_xp: Literal["listed", "left_out"] = Field(
        default="listed",
        description="A product whose xp has a value of another type than most products have there: listed like any"
        " other, or left out of lists and searches and answered by ID, as documented.",
    )
    unknown_catalog: Literal["assignments", "everywhere", "nowhere"] = Field(
        default="assignments",
        description="Which lists by catalogID answer 404 where there is no such catalog, instead of being empty: that"
        " of product assignments alone, that of products too, or none.",
    )
    large_lists: Literal["counted", "counted_to_cap"] = Field(
        default="counted",
        description="TotalCount of a list beyond the cap of 100,000: the true count, or the cap. Pages beyond the cap"
        " are refused either way.",
    )
    long_urls: Literal["refused", "accepted"] = Field(
        default="refused",
        description="A request whose path and query have more than 2,086 characters: 414, or answered like any other.",
    )

    user_list: Literal["buyerusers", "per_buyer"] = Field(
        default="buyerusers",
        description="Whether the marketplace lists the users of all buyers at once, as newer ones do, or answers 404.",
    )
    default_users: Literal["readable", "forbidden"] = Field(
        default="readable", description="Whether API clients, which name their default users, are listed, or are a 403."
    )
    inactive_user_token: Literal["refused", "answered"] = Field(
        default="refused",
        description="A token of a user who was made inactive after the login: 401, or answered as before.",
    )
    shipment_touches_order: Literal["yes", "no"] = Field(
        default="yes", description="Whether LastUpdated of an order moves when some of it is shipped."
    )
    stock_stamp: Literal["every_change", "sums", "never"] = Field(
        default="every_change",
        description="When Inventory.LastUpdated of a product moves as an inventory record of it, or of a variant, does:"
        " always; where the sum becomes another; never.",
    )
    order_returns: Literal["readable", "absent"] = Field(
        default="readable", description="Whether the returns of orders are listed, or their list answers 404."
    )

    delivery_rename: Literal["updated", "deleted_and_updated"] = Field(
        default="updated",
        description="What is delivered of a record that gets another ID: its new one, or also that the old one went.",
    )
    delivery_parent_ids: Literal["present", "absent"] = Field(
        default="present",
        description="Whether messages name the parent where it is not published: CatalogID of categories, BuyerID of"
        " user groups, CompanyID of deleted users.",
    )
    delivery_member_case: Literal["documented", "camel"] = Field(
        default="documented",
        description="How members of payloads are written: as documented, or with a small first letter, as in a sample.",
    )
    delivery_stock_deleted: Literal["not_sent", "sent", "sent_by_other_name"] = Field(
        default="not_sent",
        description="Whether the delete of an inventory record is delivered, and as inventoryrecord.deleted or"
        " productinventoryrecord.deleted.",
    )
    delivery_drafts: Literal["sent", "not_sent"] = Field(
        default="sent", description="Whether changes of orders that are not submitted are delivered."
    )
    delivery_kafka_layout: Literal["envelope", "type_header", "ce_type_header"] = Field(
        default="envelope",
        description="A record to Kafka: type and payload in its value, as over HTTP; or the payload, and the type in a"
        " record header, type or ce_type.",
    )
    delivery_event_hub_property: Literal["amqp", "text"] = Field(
        default="amqp",
        description="The property type of an event at Event Hubs, for who reads it over Kafka's protocol: in AMQP's"
        " encoding, or as text.",
    )
    delivery_key: Literal["record", "none"] = Field(
        default="record",
        description="Key of a record at Kafka and Event Hubs: that of what it is about, which keeps its messages in"
        " order, or none.",
    )
    delivery_blob_layout: Literal["envelope", "metadata", "lines"] = Field(
        default="envelope",
        description="A message at Azure Blob: a blob with type and payload, as over HTTP; a blob with the payload, and"
        " the type in its metadata; or a line of a blob per hour.",
    )

    webhook_without_answer: Literal["blocks", "proceeds"] = Field(
        default="blocks",
        description="A pre-hook that does not answer as it should: the request is refused, or not.",
    )
    restore_configs: Literal["copied", "kept"] = Field(
        default="copied",
        description="Whether a restore of staging brings production's deliveries and syncs, or keeps staging's own.",
    )

    spark_error_bodies: Literal["problem", "json", "empty"] = Field(
        default="problem",
        description="Errors of SparkLayer: application/problem+json, the same as application/json, or without a body.",
    )
    spark_login_status: Literal["401", "400", "403"] = Field(
        default="401", description="Status of the token endpoint for a wrong site, client or secret."
    )
    spark_missing_user_agent: Literal["accepted", "refused"] = Field(
        default="accepted", description="A request without a User-Agent."
    )
    spark_created_status: Literal["200", "201"] = Field(default="200", description="Status of a POST that creates.")
    spark_settings_refusal: Literal["403", "400"] = Field(
        default="403", description="Status where a key made in the Dashboard writes settings."
    )
    spark_settings_read: Literal["answered", "refused", "absent"] = Field(
        default="answered",
        description="A key made in the Dashboard reads settings: the list, or 403. absent: no key does, it is a 404.",
    )
    spark_base_currency_setting: Literal["listed", "absent"] = Field(
        default="listed", description="Whether the list of settings has the base currency, as baseCurrency."
    )
    spark_base_group: Literal["listed", "unlisted"] = Field(
        default="listed", description="Whether the root of the customer groups is in their list."
    )
    spark_unset_members: Literal["absent", "null"] = Field(
        default="absent", description="How a member without a value is shown."
    )
    spark_listed_rules: Literal["included", "absent"] = Field(
        default="included", description="Whether a list of price lists has their rules."
    )
    spark_rule_numbers: Literal["numbers", "text"] = Field(
        default="numbers", description="How numbers in the rules of a price list are written."
    )
    spark_price_list_patch: Literal["200", "204"] = Field(
        default="200", description="PATCH of a price list: answers it, or nothing."
    )
    spark_balance_left_out: Literal["kept", "cleared"] = Field(
        default="kept", description="An upsert of a customer without its balance: the balance stays, or goes."
    )
    spark_customer_read: Literal["v1", "absent"] = Field(
        default="v1", description="Whether a customer can be read, by the path of version 1 and all of it, or is a 404."
    )
    spark_customer_answer: Literal["customer", "empty"] = Field(
        default="customer", description="What an upsert of a customer answers: the customer, or nothing."
    )
    spark_customer_status_inactive: Literal["inactive", "disabled"] = Field(
        default="inactive",
        description="The status beside active that a customer can be given; another one is refused with a 400.",
    )
    spark_email_case: Literal["ignored", "told_apart"] = Field(
        default="ignored", description="Whether emails that differ in case are the same, so that a second one is a 409."
    )
    spark_log_purchases: Literal["accepted", "refused"] = Field(
        default="accepted", description="A sync log of purchases, which only Ignite names: taken, or 400."
    )
    spark_duplicate_product: Literal["409", "400"] = Field(
        default="409", description="Status for an external ID or slug of a product or variant that is taken."
    )
    spark_product_variants: Literal["merged", "replaced"] = Field(
        default="merged", description="PATCH of a product with variants: those that are not sent stay, or go."
    )
    spark_unknown_stock_location: Literal["whole_batch", "row"] = Field(
        default="whole_batch",
        description="A stock batch with an unknown location: refused as a whole, or but for those rows; 400 each way.",
    )
    spark_batch_maximum: Literal["none", "1000"] = Field(
        default="none", description="Most items in one stock or price write."
    )
    spark_batch_unknown_list: Literal["404", "400"] = Field(
        default="404", description="Status of a price batch that names a price list that does not exist."
    )
    spark_sync_log_status: Literal["204", "200"] = Field(
        default="204", description="Status of an accepted write to the sync log."
    )
    spark_partial_before_full: Literal["accepted", "not_found"] = Field(
        default="accepted", description="A partial sync log before any full one: taken, or 404."
    )
    spark_partial_over_cap: Literal["refused", "cut"] = Field(
        default="refused", description="A partial sync log that would make it more than 5,000 errors: 400, or cut."
    )

    def changed(self, values: Mapping[str, Any]) -> Switches:
        """Return these switches with some set differently.

        Raises:
            UsageError: there is no such switch, or no such value; names what there is.
        """
        for name, value in values.items():
            known = CHOICES.get(name)
            if known is None:
                raise UsageError(f"no switch is called {name}", next_step=f"There are: {', '.join(CHOICES)}.")
            if str(value) not in known:
                raise UsageError(f"{name} cannot be {value}", next_step=f"It can be: {', '.join(known)}.")
        return self.model_copy(update={name: str(value) for name, value in values.items()})

    def describe(self) -> dict[str, Any]:
        """Return every switch with its value, its choices and what it means."""
        return {
            name: {"value": getattr(self, name), "choices": CHOICES[name], "description": field.description}
            for name, field in type(self).model_fields.items()
        }


CHOICES: Mapping[str, tuple[str, ...]] = {
    name: get_args(field.annotation) for name, field in Switches.model_fields.items()
}


SPARKLAYER = frozenset(name for name in CHOICES if name.startswith("spark_"))
# Of messages alone: nothing that configuration is judged by.
DELIVERIES = frozenset(name for name in CHOICES if name.startswith("delivery_"))
# Of people who log in: nothing that configuration or the source is judged by.
PEOPLE = frozenset({"inactive_user_token"})
# Of webhooks and restores.
WEBHOOKS = frozenset({"webhook_without_answer", "restore_configs"})
ORDERCLOUD = frozenset(CHOICES) - SPARKLAYER - DELIVERIES - PEOPLE - WEBHOOKS
# Of operations on records and of lists of them: no request that configuration takes meets these.
RECORDS = frozenset(
    {
        "sync_status",
        "sync_spelling",
        "unknown_record",
        "xp_patch_depth",
        "number_ids",
        "clashing_xp",
        "unknown_catalog",
        "large_lists",
        "user_list",
        "default_users",
        "shipment_touches_order",
        "stock_stamp",
        "order_returns",
    }
)
CONFIGURATION = ORDERCLOUD - RECORDS


def flipped_switches(names: Collection[str] = ORDERCLOUD) -> Iterator[dict[str, str]]:
    """Yield the defaults (nothing set), then every other value of each of these switches on its own."""
    yield {}
    for name, values in CHOICES.items():
        for value in values[1:] if name in names else ():
            yield {name: value}


def random_switches(count: int, seed: int = 0, names: Collection[str] = ORDERCLOUD) -> Iterator[dict[str, str]]:
    """Yield `count` combinations of these switches, the same for the same seed."""
    generator = random.Random(seed)  # noqa: S311 (a repeatable test choice, no secret)
    for _ in range(count):
        yield {name: generator.choice(values) for name, values in CHOICES.items() if name in names}


def covering_switches(names: Collection[str] = ORDERCLOUD) -> Iterator[dict[str, str]]:
    """Yield as few combinations of these switches as have every value of each, where trying each alone is too dear."""
    chosen = {name: values for name, values in CHOICES.items() if name in names}
    for number in range(max(map(len, chosen.values()))):
        yield {name: values[number % len(values)] for name, values in chosen.items()}
