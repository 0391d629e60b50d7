"""Many trainings at once: each in a process of its own, what is finished is kept."""
