"""What a session trains the confirmation with."""

from mtlsearch.search.analysis import Analysis


def confirmed_scores(bench, name, **training):
    """The test scores of the confirmation of the only candidates that a study tried."""
    space = bench.space(training={"epochs": 3, "batch_size": 128, "patience": 3, **training})
    study = bench.run(
        name, space, trainings=1, replicates=1, cohort=1, arms=("single_task", "share_all")
    )
    confirmed = Analysis(study, bench.dataset).confirmed
    return [training.scores.scores for model in confirmed for training in model.trainings]


def test_a_search_in_lower_precision_is_confirmed_in_float32_unless_asked(bench):
    full = confirmed_scores(bench, "full")
    assert len(full) == 2
    assert confirmed_scores(bench, "searched", precision="bfloat16") == full
    assert confirmed_scores(bench, "asked", verdict_precision="bfloat16") != full
