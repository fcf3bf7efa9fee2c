"""The trainings of a confirmed model done again on all rows, for use rather than for a score."""

from dataclasses import replace

from mtlsearch.candidate import TrainingSettings
from mtlsearch.data.outer_folds import all_trained
from mtlsearch.errors import UsageError
from mtlsearch.export.select_model import SelectedModel
from mtlsearch.export.trained_model import TrainedModel
from mtlsearch.records import Replicate, TrainingJob
from mtlsearch.training.best_epochs import usual_end
from mtlsearch.training.engine import Engine
from mtlsearch.training.training_data import TrainingData


def refit(
    selected: SelectedModel,
    engine: Engine,
    seeds: int | None,
) -> list[TrainedModel]:
    """Train a model on all rows, with the seeds of its confirmation and as long as there.

    `engine` has the data of the confirmation. No rows are left to stop by, so each component ends
    after the epochs that its confirmed trainings kept on average.

    Raises:
        UsageError: It has not as many trainings, or none to tell how long.
        TrainingFailedError: A training came to nothing.
    """
    ends = refit_ends(selected, engine.schedule)
    every_row = all_trained(engine.data.dataset)
    data = TrainingData(every_row, engine.data.seed, engine.data.device)
    refitting = replace(engine, data=data, costs={})
    models = []
    for training in selected.trainings(seeds):
        replicate = Replicate("confirmation", training.seed_index)
        job = TrainingJob(0, selected.composition, replicate, data.seed, ends=ends)
        network, _ = refitting.fit_model(job)
        models.append(TrainedModel(network.eval(), data, replicate))
    return models


def refit_ends(selected: SelectedModel, schedule: TrainingSettings) -> tuple[int, ...]:
    """Return after how many epochs each component ends. Raises UsageError."""
    if selected.confirmed is None:
        raise UsageError(
            "--refit: the model was not confirmed, so nothing tells after how many epochs to end "
            "where no rows are left to stop by; name an arm, or leave --refit out"
        )
    histories = [training.result.history for training in selected.confirmed.trainings]
    by_component = zip(*histories, strict=True)
    return tuple(usual_end(losses, schedule) for losses in by_component)


def refit_note(selected: SelectedModel, schedule: TrainingSettings) -> str:
    """Say what the model has seen, and that no score is measured on it."""
    epochs = ", ".join(str(end) for end in refit_ends(selected, schedule))
    return (
        f"It was trained anew on all rows, those to validate and to test on as well, for {epochs} "
        "epochs by component as its confirmed trainings were on average: no score is measured on "
        "it. The scores are those of the confirmed trainings, which saw fewer rows."
    )
