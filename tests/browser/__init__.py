"""Browser tests: a package, so that its fixtures end after its last test."""
