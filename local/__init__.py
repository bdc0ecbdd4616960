"""Runs template.yaml on this machine, without AWS and without Docker.

template    what template.yaml says, as typed objects (intrinsics resolves its !Ref and !Sub)
engines     Dynoxide for DynamoDB, ministack for SQS
resources   the tables and queues of the template, created on the engines
functions   the handlers, called as Lambda calls them
http        HTTP requests -> API Gateway events -> responses (gateway holds the translation)
poller      SQS batches -> Lambda events -> partial batch responses
models      what the functions serve, held against the tables
emulator    a function under Lambda's own runtime
containers  functions in containers, by `sam local` (relay leads from there to the engines)
scaffold/   what depends on the models, written from them
cli         `python -m local serve`, `env`, `invoke` and the others
"""
