"""Spends the budget: proposes candidates, trains them in parallel, records every outcome in the study, confirms the best."""

import optuna

optuna.logging.set_verbosity(
    optuna.logging.WARNING
)  # it would announce every study, and a proposal makes one
