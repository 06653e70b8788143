"""The HTML of the section Data in Settings."""
