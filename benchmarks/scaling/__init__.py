"""What a study takes of time and memory as tasks, candidates and rows become many."""
