"""Accounts, passwords, sign-in pages, and the middleware that asks who sends a request."""
