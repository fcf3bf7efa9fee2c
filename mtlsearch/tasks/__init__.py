"""What there is to predict: kinds of task, their losses and their metrics."""
