"""What a command can do the Python API can do, and back: every option has its parameter."""

import inspect

import mtlsearch
from mtlsearch import Search, Study
from mtlsearch.api import prediction
from mtlsearch.commands import app

COMMANDS = {
    "search": (Search.__init__, Search.fit),
    "resume": (mtlsearch.open_study, Study.resume),
    "status": (mtlsearch.status,),
    "report": (mtlsearch.open_study, Study.write_report),
    "export": (mtlsearch.open_study, Study.export),
    "predict": (mtlsearch.predict,),
    "check": (Search.__init__, Search.check),
    "spaces": (mtlsearch.spaces,),
}
"""By command what does it in Python."""

CALLED_OTHERWISE = {"data": "X", "task": "tasks"}  # where the data are given, not found again

SHOWN_ONLY = {
    ("status", "as_json"): "StudyStatus.to_json",
    ("report", "open_page"): "the path of the page is returned",
    ("predict", "to"): "a DataFrame is returned",
}
"""Options that say how an answer is shown, and what Python has instead."""

OF_PYTHON = {
    "y": "target columns apart from X, where scikit-learn has them",
    "progress": "standard error can be closed from a shell",
    "verbose": "likewise",
    "callbacks": "objects of the user's, which no command line can spell",
}
"""Parameters that no command has, with the reasons."""

NOT_CHECKED = "settings of a search that a check has no use for"


def _parameters(function) -> dict[str, inspect.Parameter]:
    parameters = dict(inspect.signature(function).parameters)
    parameters.pop("self", None)
    return parameters


def _commands() -> dict[str, dict[str, inspect.Parameter]]:
    commands = {}
    for command in app.registered_commands:
        commands[command.name or command.callback.__name__] = _parameters(command.callback)
    return commands


def _in_python(command: str) -> dict[str, inspect.Parameter]:
    together = {}
    for function in COMMANDS[command]:
        together |= _parameters(function)
    return together


def _in_python_called(option: str, command: str) -> str:
    """The parameter of an option: one of another name, if the function has that."""
    otherwise = CALLED_OTHERWISE.get(option, option)
    return otherwise if otherwise in _in_python(command) else option


def test_every_command_is_a_function() -> None:
    assert _commands().keys() == COMMANDS.keys()


def test_every_option_is_a_parameter_with_the_same_default() -> None:
    used = set()
    for command, options in _commands().items():
        parameters = _in_python(command)
        for name, option in options.items():
            if (command, name) in SHOWN_ONLY:
                used.add((command, name))
                continue
            parameter = parameters[_in_python_called(name, command)]
            if parameter.default is not parameter.empty:
                assert parameter.default == option.default, f"{command}: {name}"
    assert used == SHOWN_ONLY.keys()


def test_every_parameter_is_an_option() -> None:
    commands = _commands()
    used = set()
    for command in COMMANDS:
        options = {_in_python_called(name, command) for name in commands[command]}
        missing = _in_python(command).keys() - options
        used |= missing & OF_PYTHON.keys()
        if command == "check":  # NOT_CHECKED
            missing -= _parameters(Search.__init__).keys()
        assert missing <= OF_PYTHON.keys(), f"{command}: {missing}"
    assert used == OF_PYTHON.keys()


def test_predictions_of_a_file_are_chosen_as_those_of_a_frame() -> None:
    of_a_file = _parameters(prediction.predict_file).keys()
    of_a_frame = _parameters(mtlsearch.predict).keys()
    assert of_a_frame - of_a_file == {"X", "verbose"}


def test_every_public_name_is_there_and_documented() -> None:
    for name in set(mtlsearch.__all__) - {"__version__"}:
        assert inspect.getdoc(getattr(mtlsearch, name)), name
    for name, member in inspect.getmembers(Search):
        if not name.startswith("_") and name in vars(Study) | vars(Search):
            assert inspect.getdoc(member), name
