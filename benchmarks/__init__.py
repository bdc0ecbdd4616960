"""surewrite beside the Powertools recipe and a plain UpdateItem each: `python -m benchmarks.run`."""
