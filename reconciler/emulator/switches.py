"""Switches: one for each behaviour of OrderCloud that the fact sheet calls inferred or unknown.

The promises of the reconciler are tested under every value of every switch: a guess is never tested against itself.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

from reconciler.errors import UsageError


class Switches(BaseModel):
    """How the emulator answers where nobody outside the vendor knows. The first value of each is the default."""

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
    large_lists: Literal["counted", "counted_to_cap"] = Field(
        default="counted",
        description="TotalCount of a list beyond the cap of 100,000: the true count, or the cap. Pages beyond the cap"
        " are refused either way.",
    )
    long_urls: Literal["refused", "accepted"] = Field(
        default="refused",
        description="A request whose path and query have more than 2,086 characters: 414, or answered like any other.",
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


def flipped_switches() -> Iterator[dict[str, str]]:
    """Yield the defaults (nothing set), then every other value of every switch on its own."""
    yield {}
    for name, values in CHOICES.items():
        for value in values[1:]:
            yield {name: value}


def random_switches(count: int, seed: int = 0) -> Iterator[dict[str, str]]:
    """Yield `count` combinations of all switches, the same for the same seed."""
    generator = random.Random(seed)  # noqa: S311 (a repeatable test choice, no secret)
    for _ in range(count):
        yield {name: generator.choice(values) for name, values in CHOICES.items()}
