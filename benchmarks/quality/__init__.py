"""How good are the models? On public tables, beside what a user would take instead.

    pip install -e . && pip install -r benchmarks/quality/requirements.txt
    python -m benchmarks.quality.study FOLDER [TABLE ...]    # searches and references
    python -m benchmarks.quality.tabular FOLDER [TABLE ...]  # RealMLP and TabM
    python -m benchmarks.quality.automl FOLDER [TABLE ...]   # AutoGluon
    python -m benchmarks.quality FOLDER                      # the table of results

Each part reads the tables as `tables.write` left them in the folder, and leaves its predictions for
the test rows there, so that parts can run on different machines and in different environments.
"""
