"""Task families that are generated from schemas: unlimited, seeded, and split into train and held-out schemas."""
