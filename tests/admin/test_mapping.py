"""A mapping to something that the store no longer has is seen at the templates that use it."""

from __future__ import annotations

from connector.store.models import ListingTemplate, TikTokAttribute


def test_a_template_says_what_its_mapping_names_in_vain(client):
    """Beside its category, with what to do; nothing where the store has all of it."""
    template = ListingTemplate.select().where(ListingTemplate.category_id != "").first()
    mine = (TikTokAttribute.account == template.account_id) & (TikTokAttribute.category_id == template.category_id)
    TikTokAttribute.update(magento_attribute="", value_map={}).where(mine).execute()
    assert "Check mapping" not in client("viewer").get("/admin/templates/").text

    row = TikTokAttribute.select().where(mine).first()
    TikTokAttribute.update(magento_attribute="fabric_of_old").where(TikTokAttribute.id == row.id).execute()
    page = client("viewer").get("/admin/templates/").text

    assert "Check mapping" in page
    assert f"“{row.name}” takes its value from the Magento attribute “fabric_of_old”" in page
