"""Find prompts beside images: in sidecar files, tables, logs and file names."""
