"""Spends the budget: proposes candidates, trains them in parallel, records every outcome in the study, confirms the best."""
