"""Endpoints of the API by what they are about; `annotate/web/api.py` has the others."""
