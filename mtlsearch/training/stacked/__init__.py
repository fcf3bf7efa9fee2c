"""Many networks as one batched tensor program."""
