"""JSON documents that endpoints answer and the page shows: TypedDicts only, one file per room.

A view is what a room hands to the service, the service to the web layer, and an endpoint to a program. Its keys are the
contract: mypy checks both sides, and nothing happens at run time. What crosses to the trainer or the sampler as well
stands in align.contracts.
"""
