"""Kitchens and their sheets on the wire."""

from __future__ import annotations

from collections.abc import Iterable

from services.delivery.domain.contacts import Contact, Contacts
from services.delivery.domain.kitchens import Kitchen, KitchenSheet, Route, Stop, UncookedMeals
from services.delivery.wire.contacts import contact_to_proto
from services.delivery.wire.staff import require_districts
from services.runtime.civil import code_to_proto, date_to_proto, instant_to_proto
from services.runtime.commands import etag_of
from services.runtime.errors import InvalidArgument
from socialcare.delivery.v1 import kitchens_pb2 as pb

__all__ = ["kitchen_from_proto", "kitchen_to_proto", "sheet_to_proto", "stops_to_proto", "uncooked_to_proto"]


def kitchen_from_proto(message: pb.Kitchen) -> Kitchen:
    """A kitchen as the office states one.

    Raises:
        InvalidArgument: two routes of one code, or a district on two of them.
        UnknownDistrict: no register has one of the districts.
    """
    routes = tuple(
        Route(
            each.route_code,
            each.driver_id,
            require_districts(each.district_codes, f"kitchen.routes[{number}].district_codes"),
        )
        for number, each in enumerate(message.routes)
    )
    districts = [district for route in routes for district in route.districts]
    if len({route.code for route in routes}) < len(routes) or len(set(districts)) < len(districts):
        raise InvalidArgument(field="kitchen.routes")
    return Kitchen(message.municipality_id, message.kitchen_id, routes)


def kitchen_to_proto(kitchen: Kitchen, version: int) -> pb.Kitchen:
    """A kitchen at a version."""
    return pb.Kitchen(
        municipality_id=kitchen.municipality_id,
        kitchen_id=kitchen.id,
        routes=[
            pb.DeliveryRoute(route_code=route.code, driver_id=route.driver_id, district_codes=route.districts)
            for route in sorted(kitchen.routes, key=lambda route: route.code)
        ],
        etag=etag_of(version),
    )


def sheet_to_proto(sheet: KitchenSheet) -> pb.KitchenSheet:
    """What a kitchen cooks on a day."""
    return pb.KitchenSheet(
        sheet_id=sheet.id,
        kitchen_id=sheet.kitchen_id,
        on_date=date_to_proto(sheet.on),
        produced_time=instant_to_proto(sheet.produced_at),
        menus=[
            pb.MenuCount(menu_code=menu.menu_code, meals=menu.meals, canteen_meals=menu.eaten_there)
            for menu in sheet.menus
        ],
        meals=sheet.meals,
    )


def stops_to_proto(stops: Iterable[Stop], contacts: Contacts) -> list[pb.RouteStop]:
    """The stops of a route, each with who is brought meals where that is known."""
    return [_stop_to_proto(stop, contacts.by_application.get(stop.application_id)) for stop in stops]


def _stop_to_proto(stop: Stop, contact: Contact | None) -> pb.RouteStop:
    return pb.RouteStop(
        position=stop.position,
        application_id=stop.application_id,
        person_id=stop.person_id,
        district_code=stop.district,
        menu_code=stop.menu_code,
        meals=stop.meals,
        contact=contact_to_proto(contact),
    )


def uncooked_to_proto(uncooked: UncookedMeals) -> pb.UncookedMeals:
    """Meals that no kitchen cooks."""
    return pb.UncookedMeals(
        on_date=date_to_proto(uncooked.on),
        district_code=uncooked.district,
        reason=code_to_proto(pb.UncookedReason, uncooked.reason),
        meals=uncooked.meals,
    )
