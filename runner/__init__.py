"""Behind run.py: checks before the start, the embedded Redis, the supervisor of the processes."""
