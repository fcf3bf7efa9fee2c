"""The table of results: who is how good on which table, and on the whole.

    python -m benchmarks.quality FOLDER

Intervals of 95% are over test rows, paired: they are of a contender less the recommended ensemble.
On the whole it is the mean over the tables, each resampled by itself.
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from benchmarks.machine import publish
from benchmarks.quality.exchange import PREDICTIONS, read_models
from benchmarks.quality.scores import Skill, SkillScorer
from benchmarks.quality.study import RECOMMENDED
from mtlsearch.data import load

ENSEMBLE = "ensemble"
SINGLE = "single"
OURS = (RECOMMENDED, ENSEMBLE)
WHOLE = "all"
COLUMNS = [
    "table",
    "contender",
    "models",
    "skill",
    "ahead_of_us",
    "low",
    "high",
    "minutes",
]
Name = tuple[str, str]  # of a contender; single or ensemble


def skills_of(folder: Path) -> tuple[dict[Name, Skill], dict[Name, float]]:
    """Return the skill and the minutes of all contenders for a table, by name and kind."""
    scorer = SkillScorer(load(str(folder / "card.yaml")))
    skills = {}
    minutes = {}
    for path in sorted((folder / PREDICTIONS).iterdir()):
        models, seconds = read_models(path)
        contender = path.stem
        skills[contender, SINGLE] = scorer.single(models)
        minutes[contender, SINGLE] = seconds / 60
        if len(models) > 1:
            skills[contender, ENSEMBLE] = scorer.ensemble(models)
            minutes[contender, ENSEMBLE] = seconds / 60
    return skills, minutes


def main(folder: str) -> None:
    """Print the results of all tables in the folder, and write them."""
    table = []
    all_skills: dict[Name, list[Skill]] = defaultdict(list)
    all_minutes: dict[Name, list[float]] = defaultdict(list)
    for path in sorted(Path(folder).iterdir()):
        if not (path / PREDICTIONS / f"{RECOMMENDED}.npz").exists():
            continue
        skills, minutes = skills_of(path)
        for name, skill in skills.items():
            row = _row(path.name, name, skill, skills[OURS], minutes[name])
            table.append(row)
            all_skills[name].append(skill)
            all_minutes[name].append(minutes[name])

    means = {name: _mean(skills) for name, skills in all_skills.items()}
    complete = len(all_skills[OURS])
    for name, mean in means.items():
        if len(all_skills[name]) == complete:
            minutes_of_all = sum(all_minutes[name])
            row = _row(WHOLE, name, mean, means[OURS], minutes_of_all)
            table.append(row)
    publish("quality", COLUMNS, table)


def _mean(skills: list[Skill]) -> Skill:
    points = float(np.mean([skill.points for skill in skills]))
    return Skill(points, np.mean([skill.resampled for skill in skills], axis=0))


def _row(
    table: str,
    name: Name,
    skill: Skill,
    ours: Skill,
    minutes: float,
) -> list[object]:
    contender, kind = name
    differences = skill.resampled - ours.resampled
    low, high = np.nanquantile(differences, [0.025, 0.975])
    ahead = skill.points - ours.points
    return [
        table,
        contender,
        kind,
        skill.points,
        ahead,
        float(low),
        float(high),
        minutes,
    ]


if __name__ == "__main__":
    main(sys.argv[1])
