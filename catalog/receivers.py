"""Single writes announce themselves; bulk writes call catalog.services.announce directly."""
