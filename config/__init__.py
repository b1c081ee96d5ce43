"""Settings, addresses and processes."""

import gc

# Modules stay once they are imported: to look for garbage among them again and again took an eighth of the time in which a
# process starts. Python's collector is switched on again when Django is set up, by recommender.apps.
gc.disable()
