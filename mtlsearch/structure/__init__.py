"""The sharing structure of a network: which tasks share which stages, as integers."""
