"""Read, write and convert LoRA adapters of every common format."""
