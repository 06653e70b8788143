"""What a run is trained on and how long it takes, known before it starts."""
