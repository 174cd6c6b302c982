"""The products of a connected store as the rule tools take them, in the place of a catalogue folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from connector.errors import ConfigurationError
from connector.rules.evaluation import Family
from connector.rules.facts import FactError
from connector.rules.functions import Library, library
from connector.rules.magento import Metadata
from connector.rules.products import Values
from connector.services import rulesets
from connector.store.models import MagentoStore, Product


@dataclass(frozen=True, slots=True)
class StoreProducts:
    """A store's attributes and products, as they were last read."""

    store: MagentoStore
    metadata: Metadata
    functions: Library = library

    @classmethod
    def of(cls, store: MagentoStore) -> StoreProducts:
        """Raises `ConfigurationError` when the store's attributes were never read."""
        return cls(store, rulesets.metadata(store))

    def families(self, *, with_values: bool = False) -> Iterator[Family]:
        """Every product, in batches' worth of memory."""
        lens = rulesets.Lens(self.metadata)
        for found in rulesets.families(self.store):
            yield _family(lens, found, with_values=with_values)

    def find(self, sku: str) -> Family:
        """Raises `ConfigurationError` when the store has no product with this SKU."""
        row = Product.get_or_none(Product.store == self.store, Product.sku == sku, ~Product.deleted)
        if row is None:
            raise ConfigurationError(f"There is no product with the SKU “{sku}” in {self.store.title}.")
        lead = row.parent_id or row.id
        for found in rulesets.families(self.store, [lead]):
            return _family(rulesets.Lens(self.metadata), found, with_values=True)
        raise ConfigurationError(f"“{sku}” is a variant of a product that {self.store.title} has no more.")


def _family(lens: rulesets.Lens, found: Sequence[Product], *, with_values: bool) -> Family:
    lead, *members = found
    plain = {row.id: _values(lens, row) for row in found} if with_values else {}
    return Family(lens.own(lead), tuple(lens.own(member) for member in members), plain)


def _values(lens: rulesets.Lens, row: Product) -> Values:
    """What people know; nothing of a product that is held back, whose reason stands in its facts."""
    try:
        return lens.values(row)
    except FactError:
        return {}
