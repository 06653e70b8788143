import assert from "node:assert/strict";
import { test } from "node:test";

import { start } from "../../annotate/web/static/skip_links.js";
import { fire, openPage } from "./helpers/dom.js";

test("a link puts the keyboard on its section and leaves the address as it is", () => {
  const page = openPage('<div><nav><a href="#versions">Versions</a><a href="#gone">Gone</a></nav><div id="versions"></div></div>');
  start({ element: page.querySelector("nav") });
  const [link, gone] = page.querySelectorAll("a");
  assert.equal(fire(link, "click").defaultPrevented, true);
  assert.equal(document.activeElement, document.getElementById("versions"));
  assert.equal(fire(gone, "click").defaultPrevented, false);
});
