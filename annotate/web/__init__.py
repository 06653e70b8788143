"""The web app: page, API, permissions, tabs and the page's own HTML and scripts."""
