"""What a shop decides about its answers. Today: which pictures are placeholders."""
