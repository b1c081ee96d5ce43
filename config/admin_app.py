"""Django's admin, with the product's own site in place of the default one."""

from django.contrib.admin.apps import AdminConfig


class ShopAdmin(AdminConfig):
    default_site = "recommender.admin_site.ShopSite"
