"""Spends the budget: proposes candidates, trains them, records results, confirms the best."""

import warnings

with warnings.catch_warnings():
    # in a notebook without widgets tqdm, which draws nothing here, would ask for some
    warnings.filterwarnings("ignore", message="IProgress not found")
    import optuna

# it would announce every study, and a proposal makes one
optuna.logging.set_verbosity(optuna.logging.WARNING)
