"""What a browser gets before any script runs: the page's head, its icons, its first screen."""
