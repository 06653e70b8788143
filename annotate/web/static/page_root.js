// The root URL of Palate, as this browser sees it.

/** Return the URL below which everything of Palate lies; it ends in a slash. */
export function pageRoot() {
  // The browser knows host and port better than a proxy reports them. The path below which the page
  // is served is known to Gradio (root_path).
  const configured = window.gradio_config?.root || document.baseURI;
  const { pathname } = new URL(configured, document.baseURI);
  return new URL(pathname === "/" ? "." : `${pathname.replace(/\/$/, "")}/`, document.baseURI);
}
