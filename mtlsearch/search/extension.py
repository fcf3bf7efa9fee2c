"""What a study is extended by when it is resumed."""

from dataclasses import dataclass, replace

from mtlsearch.data import Dataset
from mtlsearch.search.place import address_of, check_place
from mtlsearch.search.seed_plan import Seeds
from mtlsearch.search.study import Study
from mtlsearch.search.study_loading import check_folds, divide_study


@dataclass(frozen=True)
class Extension:
    """What is asked for beyond what a study has; None and False leave it as it is.

    Attributes:
        trainings: The budget of every arm.
        seeds: The number of seeds of the confirmation, or that the answer decides on it.
        outer_folds: The number of sets of test rows.
        margin: The difference in points of mean skill that does not matter.
        more_baseline: Whether the baseline gets more budget than the other arms.
        arms: Further arms, each with the budget of the others.
        ray_address: The Ray cluster that trains from now on; `local`: this machine.
    """

    trainings: int | None = None
    seeds: Seeds | None = None
    outer_folds: int | None = None
    margin: float | None = None
    more_baseline: bool = False
    arms: tuple[str, ...] = ()
    ray_address: str | None = None

    def apply(self, study: Study, dataset: Dataset) -> Dataset:
        """Write it into a study, which must be locked.

        Args:
            study: The study.
            dataset: Its data.

        Returns:
            The data of its first outer fold.

        Raises:
            UsageError: A number is out of range, or nothing answers at the address.
            StudyError: Something would shrink, or the rows are divided already.
            DataError: A fold of the rows could not score a task.
        """
        if self.ray_address is not None:
            address = address_of(self.ray_address)
            check_place(replace(study.request, ray_address=address))
            study.move_to(address)
        request = study.request
        if self.seeds is not None:
            check_folds(dataset, request.seed, request.trainings, self.seeds)
        if self.arms:
            study.add_arms(self.arms)
        study.extend(self.trainings, self.seeds)
        if self.margin is not None:
            study.keep_margin(self.margin)
        if self.more_baseline:
            study.extend_baseline()
        if self.outer_folds is None:
            return dataset
        return divide_study(study, dataset, self.outer_folds)
