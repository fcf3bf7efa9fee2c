"""Spends the budget: proposes candidates, trains them, records results, confirms the best."""

import optuna

# it would announce every study, and a proposal makes one
optuna.logging.set_verbosity(optuna.logging.WARNING)
