"""What each form of a trained run costs: measured in processes of their own."""
