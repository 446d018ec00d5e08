"""The catalogue of faults, a file for each family: data, inputs, model, loss, optimizer, evaluation."""
