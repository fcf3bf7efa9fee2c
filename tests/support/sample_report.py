"""A realistic report of a study on the penguins, of any number of tasks and levels; also the unfinished one."""

import random
from typing import Any

from mtlsearch.structure.tree import SharingTree

ARMS = ("searched", "single_task", "share_all", "static_weights", "pretrain_finetune", "random")
Json = dict[str, Any]

PENGUINS = [
    {
        "name": "species",
        "kind": "multiclass",
        "metric": "accuracy",
        "higher_is_better": True,
        "labels": 342,
    },
    {"name": "sex", "kind": "binary", "metric": "roc_auc", "higher_is_better": True, "labels": 333},
    {
        "name": "body_mass_g",
        "kind": "regression",
        "metric": "rmse",
        "higher_is_better": False,
        "labels": 342,
    },
]
VERSIONS = dict.fromkeys(("mtlsearch", "python", "torch", "ray", "optuna", "platform"), "1.2.3")
BACKBONE = {"name": "mlp", "width": {"choice": [32, 64, 128]}}
ENGINE = {
    "trainer": "forest",
    "chunk": 16,
    "seconds": {"serial": 2e-4, "forest, 16 at a time": 5e-5},
}
STUDY = {
    "folder": "study",
    "created": "2026-05-04T10:15:00+00:00",
    "finished": True,
    "wall_seconds": 754.2,
}
BEFORE: Json = {"affinity": None, "references": [], "verdict": None}
NAMES = {"sharing": ["none", "pull", "gate"], "weighting": ["fixed", "uncertainty"]}
CLASSES = {"species": ["Adelie", "Chinstrap", "Gentoo"], "sex": ["female", "male"]}


def sample_report(
    names: list[str] | None = None,
    levels: int = 4,
    sources: tuple[str, ...] = ("penguins",),
    decision: str = "share",
) -> Json:
    """A finished study; with `names` the three penguin tasks are repeated under those names."""
    draw = random.Random(0)
    tasks = _tasks(names, sources)
    points = [_point(draw, tasks, levels, arm, number) for arm in ARMS for number in range(12)]
    for point in points:
        point["front"] = point["gain"] > 1.5
    return {
        "schema_version": 3,
        "versions": VERSIONS,
        "study": {**STUDY, "settings": _settings(), "engine": ENGINE},
        "data": _data(tasks, sources),
        "tasks": tasks,
        "space": {"tree": {"levels": levels}, "backbone": BACKBONE},
        "arms": [_arm(arm, points) for arm in ARMS],
        "front": [_front(draw, tasks, levels, point) for point in points if point["front"]],
        "points": points,
        "choices": [
            _choice(draw, arm, part, names) for arm in ARMS for part, names in NAMES.items()
        ],
        "confirmed": [_confirmed(draw, tasks, levels, arm) for arm in ARMS],
        "comparisons": [
            _comparison(draw, tasks, arm, decision) for arm in ARMS if arm != "single_task"
        ],
        "affinity": {"arm": "searched", "trainings": 96, "pairs": _pairs(draw, tasks, levels)},
        "references": [_reference(draw, tasks, name) for name in ("linear", "random_forest")],
        "verdict": _verdict(tasks, decision),
    }


def unfinished_report() -> Json:
    """The same study, stopped before anything was confirmed."""
    report = sample_report()
    report["study"]["finished"] = False
    return {
        **report,
        "front": [],
        "points": [],
        "choices": [],
        "confirmed": [],
        "comparisons": [],
        **BEFORE,
    }


def composition(
    names: list[str], levels: int, seed: int, sharing: str = "pull", shares: bool = True
) -> list[Json]:
    """A random tree over these tasks (or the separate one), as the components of a report."""
    draw = random.Random(seed)
    splits = [draw.randint(0, levels) if shares else 0 for _ in names[1:]]
    tree = SharingTree.decode(
        [draw.randrange(task) for task in range(1, len(names))], splits, levels
    )
    groups = (tuple(range(len(names))),) if sharing != "none" else tree.components
    return [
        {
            "tasks": [names[task] for task in group],
            "levels": [
                [[names[task] for task in node] for node in level if set(node) <= set(group)]
                for level in tree.levels
            ],
            "experts": [0] * levels,
            "settings": _candidate(sharing),
        }
        for group in groups
    ]


def _candidate(sharing: str) -> Json:
    soft = {"name": sharing, "strength": 0.01} if sharing != "none" else {"name": "none"}
    optimizer = {"learning_rate": 0.0031, "weight_decay": 1e-5}
    return {
        "backbone": {"name": "mlp", "width": 64, "dropout": 0.1},
        "sharing": soft,
        "optimizer": optimizer,
    }


def _tasks(names: list[str] | None, sources: tuple[str, ...]) -> list[Json]:
    chosen = names if names is not None else [str(task["name"]) for task in PENGUINS]
    kinds = [PENGUINS[number % 3] for number in range(len(chosen))]
    return [
        {
            **kind,
            "name": name,
            "source": sources[number % len(sources)],
            "classes": CLASSES.get(str(kind["name"]), []),
        }
        for number, (kind, name) in enumerate(zip(kinds, chosen, strict=True))
    ]


def _pairs(draw: random.Random, tasks: list[Json], levels: int) -> list[Json]:
    names = [task["name"] for task in tasks]
    return [
        {"task": name, "other": other, "levels": [_effect(draw) for _ in range(levels)]}
        for name in names for other in names if other != name
    ]  # fmt: skip


def _effect(draw: random.Random) -> Json:
    mean = draw.gauss(0.0, 1.0)
    return {"mean": mean, "low": mean - 1.0, "high": mean + 1.0}


def _choice(draw: random.Random, arm: str, part: str, names: list[str]) -> Json:
    rows = [
        {
            "name": name,
            "trainings": {"used": 12 * (name != "gate"), "idle": 0},
            "failed": 0,
            "front": {"used": place, "idle": 0},
            "picked": not place,
            "gain": None if name == "gate" else _effect(draw),
        }
        for place, name in enumerate(names)
    ]
    return {"arm": arm, "part": part, "trainings": 36, "front": 3, "names": rows}


def _reference(draw: random.Random, tasks: list[Json], name: str) -> Json:
    test = {task["name"]: [_score(draw, task) for _ in range(3)] for task in tasks}
    return {
        "name": name,
        "test": test,
        "mean": {task: sum(scores) / 3 for task, scores in test.items()},
    }


def _score(draw: random.Random, task: Json) -> float:
    return draw.uniform(0.9, 0.99) if task["higher_is_better"] else draw.uniform(280.0, 360.0)


def _point(draw: random.Random, tasks: list[Json], levels: int, arm: str, number: int) -> Json:
    names = [task["name"] for task in tasks]
    scores = {task["name"]: _score(draw, task) for task in tasks}
    parts = composition(names, levels, draw.randrange(10**6), draw.choice(["none", "pull"]))
    cost = {"parameters": draw.randint(3000, 60000), "macs_per_example": draw.randint(3000, 60000)}
    gain = 0.0 if arm == "single_task" else draw.gauss(0.5, 2.5)
    identity = {"arm": arm, "candidate": number, "shares": arm != "single_task", "front": False}
    return {
        **identity,
        "scores": scores,
        "estimates": scores,
        **cost,
        "gain": gain,
        "tree": _spell(parts),
    }


def _spell(parts: list[Json]) -> str:
    return " ; ".join(
        " > ".join(" | ".join("+".join(node) for node in level) for level in part["levels"])
        for part in parts
    )


def _front(draw: random.Random, tasks: list[Json], levels: int, point: Json) -> Json:
    scores = {
        name: {"mean": mean, "standard_error": abs(mean) * 0.004, "estimate": mean}
        for name, mean in point["scores"].items()
    }
    parts = composition(
        [task["name"] for task in tasks],
        levels,
        draw.randrange(10**6),
        draw.choice(["none", "pull"]),
    )
    kept = {
        key: point[key] for key in ("arm", "candidate", "parameters", "macs_per_example", "gain")
    }
    gain = {"mean": point["gain"], "low": point["gain"] - 1.0, "high": point["gain"] + 1.0}
    rest = {
        "replicates": 3,
        "gain_interval": gain,
        "tie": point["gain"] > 4.0,
        "tree": _spell(parts),
    }
    return {**kept, "scores": scores, **rest, "composition": parts}


def _confirmed(draw: random.Random, tasks: list[Json], levels: int, arm: str) -> Json:
    test = {task["name"]: [_score(draw, task) for _ in range(5)] for task in tasks}
    parts = composition(
        [task["name"] for task in tasks], levels, 3, "none", shares=arm != "single_task"
    )
    return {
        "arm": arm,
        "candidate": None if arm == "single_task" else 7,
        "tree": _spell(parts),
        "composition": parts,
        "parameters": 21_345,
        "macs_per_example": 20_880,
        "validation_gain": 0.0 if arm == "single_task" else 4.1,
        "test": test,
        "mean": {name: sum(scores) / 5 for name, scores in test.items()},
        "standard_error": {name: abs(scores[0]) * 0.006 for name, scores in test.items()},
    }


def _comparison(draw: random.Random, tasks: list[Json], arm: str, decision: str) -> Json:
    gain = (
        {"share": 3.5, "share some": 3.5, "do not share": -2.0, "cannot tell": 0.4}[decision]
        if arm == "searched"
        else draw.uniform(-3, 2)
    )
    per_task = {task["name"]: _difference(draw, task) for task in tasks}
    maninis = {"mean": gain, "low": gain - 1.9, "high": gain + 1.9}
    nash = {"mean": -gain, "low": -gain - 1.9, "high": -gain + 1.9}
    return {
        "arm": arm,
        "baseline": "single_task",
        "tasks": per_task,
        "gain": {"maninis": maninis, "nash_mtl": nash},
    }


def _difference(draw: random.Random, task: Json) -> Json:
    scale = 0.01 if task["higher_is_better"] else 12.0
    mean = draw.gauss(0, scale)
    low, high = mean - scale * 0.6, mean + scale * 0.6
    better = (low > 0) if task["higher_is_better"] else (high < 0)
    result = "win" if better else "tie" if low < 0 < high else "lose"
    return {"difference": {"mean": mean, "low": low, "high": high}, "result": result}


def _arm(name: str, points: list[Json]) -> Json:
    mine = [point for point in points if point["arm"] == name]
    failures = [{"number": 17, "reason": "loss became NaN in epoch 4"}] if name == "random" else []
    counts = {
        "trainings": 36,
        "epochs": 60,
        "complete": 30,
        "failed": len(failures),
        "pruned": 5,
        "candidates": len(mine),
    }
    best = max(point["gain"] for point in mine)
    return {
        "name": name,
        **counts,
        "components_saved": 4,
        "epochs_run": 1711,
        "train_seconds": 141.8,
        "best_gain": best,
        "failures": failures,
    }


def _settings() -> Json:
    budget = {
        "trainings": 36,
        "replicates": 3,
        "epochs": 60,
        "batch_size": 64,
        "patience": 8,
        "seed": 0,
        "seeds": 5,
    }
    return {
        **budget,
        "workers": 4,
        "sampler": "tpe",
        "engine": "auto",
        "device": "cpu",
        "arms": list(ARMS),
        "ray_address": None,
    }


def _data(tasks: list[Json], sources: tuple[str, ...]) -> Json:
    rows = [
        {
            "name": name,
            "kind": "table",
            "rows": 344,
            "inputs": 5,
            "train": 206,
            "validation": 69,
            "test": 69,
        }
        for name in sources
    ]
    notices = [f"{tasks[0]['name']}: 2 rows have no label"]
    return {
        "name": "penguins",
        "digest": "sha256:3f8a12c07be94d51",
        "sources": rows,
        "notices": notices,
    }


def _verdict(tasks: list[Json], decision: str) -> Json:
    first, second = tasks[0]["name"], tasks[1]["name"]
    sentences = {
        "share": f"Share: {first} and {second} are better together, by 3.5 % over single-task models.",
        "share some": f"Share some ({first}+{second}): that beats separate models, by 3.5 %.",
        "do not share": "Do not share: the best sharing model is worse than single-task models, by 2.0 %.",
        "cannot tell": "Cannot tell: the interval of the gain spans zero.",
    }
    recommended = "searched" if decision.startswith("share") else "single_task"
    return {
        "decision": decision,
        "sentence": sentences[decision],
        "arm": "searched",
        "recommended": recommended,
    }
