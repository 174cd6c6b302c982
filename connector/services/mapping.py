"""What a template's mapping names that the store no longer has, and store options that came after the mapping was made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from connector.domain.issue import Issue
from connector.services import history, onboarding
from connector.store.database import transaction
from connector.store.models import Account, ListingTemplate, MagentoStore, TikTokAttribute

SHOWN = 5
"""Options that a reason names."""


class Source(Protocol):
    """Where a marketplace attribute gets its value."""

    @property
    def name(self) -> str: ...

    @property
    def magento_attribute(self) -> str: ...

    @property
    def value_map(self) -> Mapping[str, str]: ...


def known(store: MagentoStore) -> dict[str, frozenset[str]]:
    """Code of every attribute of the store → labels of its options; none for one without options."""
    return {str(each["attribute_code"]): _labels(each) for each in store.attributes or ()}


def _labels(attribute: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(str(option.get("label") or "").strip() for option in attribute.get("options") or ()) - {""}


def lost_attributes(mapping: Iterable[Source], attributes: Collection[str]) -> list[Issue]:
    """Warnings: what is filled from an attribute that the store no longer has."""
    return [
        Issue(
            "mapping.attribute",
            row.name,
            f"“{row.name}” takes its value from the Magento attribute “{row.magento_attribute}”, which the store no longer "
            "has: map it to another under TikTok Attributes.",
            severity="warning",
        )
        for row in mapping
        if row.magento_attribute and row.magento_attribute not in attributes
    ]


def lost_options(mapping: Iterable[Source], attributes: Mapping[str, frozenset[str]]) -> list[Issue]:
    """Warnings: options that were mapped and that the store no longer has, by that name at least."""
    found = []
    for row in mapping:
        labels = attributes.get(row.magento_attribute)
        gone = sorted(set(row.value_map or ()) - labels) if labels else []
        if gone:
            names = ", ".join(f"“{label}”" for label in gone[:SHOWN]) + (", …" if len(gone) > SHOWN else "")
            text = (
                f"“{row.name}” maps {names} of the Magento attribute “{row.magento_attribute}”, which the store no longer "
                "has: map what it is called now under TikTok Attributes."
            )
            found.append(Issue("mapping.option", row.name, text, severity="warning"))
    return found


def reasons(template: ListingTemplate, attributes: Mapping[str, frozenset[str]]) -> list[Issue]:
    """All that a template's mapping names in vain; `attributes` is what is `known` of its store."""
    if not attributes or not template.category_id:
        return []
    query = TikTokAttribute.select().where(
        TikTokAttribute.account == template.account_id, TikTokAttribute.category_id == template.category_id
    )
    rows = list(query.order_by(TikTokAttribute.name))
    return [*lost_attributes(rows, attributes), *lost_options(rows, attributes)]


def of_templates(template_ids: Collection[int]) -> dict[int, list[Issue]]:
    """Template id → what its mapping names in vain; only templates with such a reason."""
    stores: dict[int, dict[str, frozenset[str]]] = {}
    found = {}
    query = ListingTemplate.select(ListingTemplate, Account).join(Account)
    for template in list(query.where(ListingTemplate.id.in_(list(template_ids)))):
        store_id = template.account.store_id
        if store_id not in stores:
            stores[store_id] = known(MagentoStore.get_by_id(store_id))
        if issues := reasons(template, stores[store_id]):
            found[template.id] = issues
    return found


def note_reasons(store: MagentoStore, now: datetime, actor: str) -> int:
    """Write into the history what the mappings of the store's templates name in vain; how many templates."""
    accounts = Account.select(Account.id).where(Account.store == store.id)
    templates = list(ListingTemplate.select().where(ListingTemplate.account.in_(accounts)))
    found = of_templates([template.id for template in templates])
    for template in templates:
        if issues := found.get(template.id):
            text = " ".join([f"{template.name}:", *(issue.message for issue in issues)])
            history.note(now, actor, "template.mapping", "template", template.id, text)
    return len(found)


def follow(store: MagentoStore, new: Mapping[str, Collection[str]], now: datetime, actor: str) -> int:
    """Map options that are new in the store (attribute code → labels) to marketplace values of the same name; how many.

    What a person mapped stays, and no two options of an attribute go to one value.
    """
    by_code = {str(each["attribute_code"]): each for each in store.attributes or ()}
    accounts = Account.select(Account.id).where(Account.store == store.id)
    rows = TikTokAttribute.select().where(
        TikTokAttribute.account.in_(accounts), TikTokAttribute.magento_attribute.in_(list(new))
    )
    count = 0
    with transaction():
        for row in list(rows):
            options = by_code[row.magento_attribute].get("options") or ()
            taken = set(row.value_map.values())
            fresh = {
                label: value
                for label, value in onboarding.value_map(options, row.values or ()).items()
                if label in new[row.magento_attribute] and label not in row.value_map and value not in taken
            }
            if fresh:
                row.value_map = {**row.value_map, **fresh}
                row.save(only=[TikTokAttribute.value_map])
                text = f"{row.name}: {', '.join(sorted(fresh))} mapped by name, new in the store"
                history.note(now, actor, "attribute.mapped", "attribute", row.id, text, after=fresh)
                count += len(fresh)
    return count
