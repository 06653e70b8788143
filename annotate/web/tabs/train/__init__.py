"""Parts of the Train tab: the form of a run, automatic runs, and what a run changed."""
