"""A page and an HTTP service for pictures, over the Predictor that the command line asks too."""
