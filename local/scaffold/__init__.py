"""Writes what depends on the models: between the marks of template.yaml, in events/, in the examples of the document.

marks       the parts of a file that stand between `# models: …` and `# end of models: …`
parts       what belongs there
tables      the largest of them: the tables
samples     values as a person would write them, from a JSON schema
requests    a put, a get, an update, a counter and a message for each collection, from its models
examples    which examples of the OpenAPI document are these models'
command     `python -m local scaffold`
"""
