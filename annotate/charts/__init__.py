"""Charts as inline SVG, colored by the page's style: no script, no font, no request."""
