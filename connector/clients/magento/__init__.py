"""A Magento 2 store over REST: `Catalog` and `Sales` of `connector.ports`."""

from connector.clients.magento.catalog import MagentoCatalog
from connector.clients.magento.connection import MagentoConnection, MagentoStore
from connector.clients.magento.sales import MagentoSales

__all__ = ["MagentoCatalog", "MagentoConnection", "MagentoSales", "MagentoStore"]
