"""Forms of an export: what each program reads, a module each."""
