"""What a shop decides about its answers: which pictures are placeholders."""
