"""One filter a module: catalog.filters.registry finds them by their files."""
