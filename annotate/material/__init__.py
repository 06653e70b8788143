"""Pictures that people bring: found in a folder, read with their prompts, made into pairs."""
