"""Memory of a device while it renders: what images need, and what to do where it is short."""
