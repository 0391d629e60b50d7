"""Recipes trained over seeds, and held against what was reported and what is expected."""
