"""What each long stage does with a run, once nothing stands in its way; the heavy imports begin here."""
