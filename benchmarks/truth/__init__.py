"""Is the answer true? The real search on planted problems, whose truth is known, and on others.

    python -m benchmarks.truth [PART ...]

Each part says in its module what it measures. All use `experiment.py`: searches in this process,
and fresh trainings that tell what a structure is worth.
"""
