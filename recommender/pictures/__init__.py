"""Which files show the same picture: perceptual hashes, kept by the digest of the file."""
