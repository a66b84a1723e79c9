"""The suite beside its peers: `make bench`."""
