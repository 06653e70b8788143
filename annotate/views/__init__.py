"""JSON documents that endpoints answer and the page shows: TypedDicts only, one file per room.

A room hands a view to the service, the service hands it to the web layer, and an endpoint answers
it. Its keys are the contract: mypy checks both sides, and nothing happens at run time. What crosses
to the trainer or the sampler as well stands in align.contracts.
"""
