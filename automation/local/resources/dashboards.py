"""CloudWatch: dashboards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from automation.local.resources.cloud import ignoring
from automation.local.resources.documents import normalised
from automation.local.resources.schema import (
    REGION,
    Change,
    Operation,
    Property,
    ResourceType,
    output,
)
from automation.local.resources.values import Properties

if TYPE_CHECKING:
    from automation.local.resources.cloud import Cloud

_MISSING: Final = ("ResourceNotFound", "DashboardNotFoundError")
_PROPERTIES: Final[Mapping[str, Property]] = {
    "dashboardBody": Property(kind="string", required=True, format="json"),
    "dashboardName": Property(
        kind="string", required=True, force_new=True, max_length=255, pattern="[0-9A-Za-z_-]+"
    ),
    "dashboardArn": output(),
    **REGION,
}


def _put(cloud: Cloud, inputs: Properties) -> str:
    name = str(inputs["dashboardName"])
    cloud.cloudwatch.put_dashboard(
        DashboardName=name, DashboardBody=normalised(inputs["dashboardBody"])
    )
    return name


def _read(cloud: Cloud, name: str, _state: Properties) -> Properties | None:
    with ignoring(*_MISSING):
        answer = cloud.cloudwatch.get_dashboard(DashboardName=name)
        return {
            "dashboardName": name,
            "dashboardBody": answer["DashboardBody"],
            "dashboardArn": answer["DashboardArn"],
        }
    return None


def _update(cloud: Cloud, _name: str, change: Change) -> None:
    _put(cloud, change.new)


def _delete(cloud: Cloud, name: str, _state: Properties) -> None:
    with ignoring(*_MISSING):
        cloud.cloudwatch.delete_dashboards(DashboardNames=[name])


DASHBOARD: Final = ResourceType(
    token="aws:cloudwatch/dashboard:Dashboard",  # noqa: S106 - a type token
    properties=_PROPERTIES,
    operation=Operation(service="cloudwatch", name="PutDashboard"),
    create=_put,
    read=_read,
    update=_update,
    delete=_delete,
)
