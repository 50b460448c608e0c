"""What can be evaluated: our model, other models, endpoints, files of predictions, classical and blind baselines."""
