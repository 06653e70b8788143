"""Runs that start by themselves, and versions that become active by themselves."""
