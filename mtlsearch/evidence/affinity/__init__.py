"""Who helps whom: a regression over all trainings of an arm."""
