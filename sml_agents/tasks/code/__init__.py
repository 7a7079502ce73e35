"""Programming tasks: generated functions and published sets, tested in a sandbox."""
