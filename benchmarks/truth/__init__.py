"""Is the answer true? The real search on planted problems, whose truth is known, and on the embedded ones.

    python -m benchmarks.truth [PART ...]

Each part says in its module what it measures. All use `trial.py`: searches in this process, and fresh trainings that tell what
a structure is worth.
"""
