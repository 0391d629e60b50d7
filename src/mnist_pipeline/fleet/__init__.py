"""Many trainings, or pictures, at once on this machine or on many: what is finished is kept."""
