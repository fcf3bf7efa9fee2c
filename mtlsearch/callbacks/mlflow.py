"""Studies in MLflow."""

from typing import TYPE_CHECKING

from mtlsearch.callbacks.contract import Callback, StudyFacts, TrainingFinished, VerdictReached
from mtlsearch.callbacks.libraries import require
from mtlsearch.callbacks.series import (
    plain_names,
    test_numbers,
    training_numbers,
    verdict_words,
)

if TYPE_CHECKING:
    from mlflow import MlflowClient

STUDY = "mtlsearch.study"
"""The tag by which the run of a study is found again."""

PARENT = "mlflow.parentRunId"
"""The tag by which MLflow knows a nested run."""


class MLflow(Callback):
    """Writes each study as a run of MLflow.

    The run has the settings as parameters; of each arm and task the validation scores as a metric,
    whose step is the number of the training, or of the fresh seed; test scores and gains; the
    verdict as tags `mtlsearch.decision`, `mtlsearch.verdict`, ...; and the report as an artifact. A
    resumed study goes on with its run. Nothing global of MLflow is set.

    Args:
        tracking_uri: Where MLflow keeps runs; None: where it does without being told.
        experiment: The name of the experiment, made where it is missing.
        nested: Whether each training is a run below that of the study, with what was drawn for it
            as parameters.
        artifacts: Whether the folder of the report is copied.

    Raises:
        UsageError: MLflow is not installed.
    """

    def __init__(
        self,
        tracking_uri: str | None = None,
        experiment: str = "mtlsearch",
        *,
        nested: bool = False,
        artifacts: bool = True,
    ) -> None:
        require("mlflow", "mlflow")
        self.tracking_uri = tracking_uri
        self.experiment = experiment
        self.nested = nested
        self.artifacts = artifacts
        self._client: MlflowClient | None = None
        self._experiment_id = ""
        self._run = ""
        self._has_ended = False

    def training_finished(self, event: TrainingFinished) -> None:
        """Write the scores of a training."""
        client = self._open(event.study)
        for name, number in training_numbers(event).items():
            client.log_metric(self._run, name, number, step=event.step)
        if self.nested:
            self._write_nested(client, event)

    def verdict_reached(self, event: VerdictReached) -> None:
        """Write the answer, the test scores and the report."""
        client = self._open(event.study)
        for name, words in verdict_words(event.report).items():
            client.set_tag(self._run, f"mtlsearch.{name}", words)
        for name, number in test_numbers(event.study, event.report).items():
            client.log_metric(self._run, name, number)
        if self.artifacts:
            client.log_artifacts(self._run, str(event.report_folder), "report")
        client.set_terminated(self._run, "FINISHED")
        self._has_ended = True

    def close(self) -> None:
        """Mark the run as killed if the study did not come to its end; `resume` goes on with it."""
        if self._client is not None and not self._has_ended:
            self._client.set_terminated(self._run, "KILLED")
        self._client = None

    def _open(self, study: StudyFacts) -> "MlflowClient":
        """Connect, and find the run of the study, or begin it."""
        if self._client is not None:
            return self._client
        from mlflow import MlflowClient

        client = MlflowClient(tracking_uri=self.tracking_uri)
        self._experiment_id = _experiment(client, self.experiment)
        known = client.search_runs([self._experiment_id], f"tags.`{STUDY}` = '{study.name}'")
        if known:
            self._run = known[0].info.run_id
            client.update_run(self._run, status="RUNNING")
        else:
            self._run = self._begin(client, study)
        self._has_ended = False
        self._client = client
        return client

    def _begin(self, client: "MlflowClient", study: StudyFacts) -> str:
        """Begin the run of a study; return its id."""
        tags = {STUDY: study.name, "mtlsearch.folder": str(study.folder.resolve())}
        run = client.create_run(self._experiment_id, run_name=study.folder.name, tags=tags)
        for name, setting in study.settings.items():
            client.log_param(run.info.run_id, name, setting)
        return str(run.info.run_id)

    def _write_nested(self, client: "MlflowClient", event: TrainingFinished) -> None:
        name = f"{event.series}/{event.step}"
        run = client.create_run(self._experiment_id, run_name=name, tags={PARENT: self._run})
        nested = run.info.run_id
        plain = plain_names(event.parameters)
        for parameter, value in event.parameters.items():
            client.log_param(nested, plain[parameter], value)
        for metric, number in training_numbers(event).items():
            client.log_metric(nested, metric, number)
        failure = event.result.failure
        if failure is not None:
            client.set_tag(nested, "mtlsearch.failure", failure)
        client.set_terminated(nested, "FINISHED" if failure is None else "FAILED")


def _experiment(client: "MlflowClient", name: str) -> str:
    """The id of an experiment, which is made where it is missing."""
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        return str(client.create_experiment(name))
    return str(experiment.experiment_id)
