// Where Palate is, as this browser sees it.

function pageRoot() {
  // The browser knows its host and port better than a proxy tells them; below which path the page
  // is, Gradio knows where it was told.
  const told = (window.gradio_config && window.gradio_config.root) || document.baseURI;
  const { pathname } = new URL(told, document.baseURI);
  return new URL(pathname === "/" ? "." : `${pathname.replace(/\/$/, "")}/`, document.baseURI);
}
