"""A marketplace with parties that have prices of their own, and a run of one data type of a data sync."""

from __future__ import annotations

import asyncio
from typing import Any

from reconciler.app.chosen import Chosen, HowToRun
from reconciler.app.project import Project
from reconciler.app.sync import run_once
from reconciler.app.unattended import Unattended
from reconciler.clock import utc_now
from reconciler.http.observe import Silent
from reconciler.sync.datasync import data_syncs
from reconciler.sync.mode import Mode
from reconciler.sync.run.report import RunReport
from support.checkout import Checkout

Json = dict[str, Any]


def schedule(schedule_id: str, price: float | None, **members: Any) -> Json:
    breaks = [] if price is None else [{"Quantity": 1, "Price": price}]
    return {"ID": schedule_id, "Name": schedule_id, "PriceBreaks": breaks, **members}


def product(product_id: str, **members: Any) -> Json:
    return {
        "ID": product_id,
        "Name": product_id,
        "Active": True,
        "DefaultPriceScheduleID": f"default-{product_id}",
        "xp": {"SKU": f"SKU-{product_id}"},
        **members,
    }


def user(user_id: str, **members: Any) -> Json:
    named = {"Username": user_id, "FirstName": "Ada", "LastName": "Byron", "Email": f"{user_id}@example.com"}
    return {"ID": user_id, "Active": True, **named, **members}


def assigned(product_id: str, buyer: str, schedule_id: str | None, group: str | None = None) -> Json:
    return {"ProductID": product_id, "BuyerID": buyer, "UserGroupID": group, "PriceScheduleID": schedule_id}


def run_type(checkout: Checkout, data_type: str, mode: Mode | None = None, **overrides: str) -> RunReport:
    """Run one data type of the only data sync, inside this process."""
    project = Project(checkout.manifests, environ=checkout.environ)
    session = project.session(utc_now())
    sync = next(each for each in data_syncs(session, session.memory()) if each.type == data_type)
    how = HowToRun(token_cache=False, overrides=overrides)
    report, _ = asyncio.run(run_once(Chosen(session, sync), mode, how, Unattended(), Silent()))
    return report
