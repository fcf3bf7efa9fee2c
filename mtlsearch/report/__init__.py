"""What a study says to people and programs: its report as objects, JSON, page and drawings."""
