"""Time that a run may take: its device, its pace, and the steps that it settles on."""
