"""Where cohorts are trained: in this process, or by Ray Tune."""
