import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { buildSavedPage, loadScripts, savedPage } from "../../annotate/web/static/compare/saved_page.js";
import { define, openPage, readStatic } from "./helpers/dom.js";

const data = {
  prompts: ["a cat</script><script>alert(1)</script><!--"], seeds: [7], columns: ["base", "v1"], row: "seed",
  cells: [["data:image/png;base64,AAAA", null]],
};
const assets = { scripts: await loadScripts(async (place) => readStatic(place)), style: "body { color: red; }" };

beforeEach(() => openPage());

/** Return the import map of a page: the source of each script by its name. */
function scriptsOf(page) {
  const [, map] = /<script type="importmap">(.*?)<\/script>/s.exec(page);
  const { imports } = JSON.parse(map);
  return Object.fromEntries(Object.entries(imports).map(([name, url]) => {
    const [head, source] = url.split(",");
    assert.equal(head, "data:text/javascript;charset=utf-8");
    return [name, decodeURIComponent(source)];
  }));
}

test("a saved page has every script that its board needs, and each imports by names that the page has", () => {
  const scripts = scriptsOf(savedPage({ data, mode: "side" }, assets));
  assert.ok("palate/compare/standalone.js" in scripts && "palate/zoom.js" in scripts);
  for (const [name, source] of Object.entries(scripts)) {
    const named = [...source.matchAll(/^(?:import|\}).* from "([^"]+)";$/gm)].map(([, imported]) => imported);
    for (const imported of named) assert.ok(imported in scripts, `${name} imports ${imported}`);
    assert.equal(/\b(from|import) "\.{1,2}\//.test(source), false, `${name} imports by a path`);
  }
});

test("a saved page has no script of the stage, and none that asks a server", () => {
  const names = Object.keys(assets.scripts);
  assert.deepEqual(names.filter((name) => name.startsWith("stage/") || name.includes("compare_tab")), []);
});

test("its policy lets it load nothing that is not in the file", () => {
  const page = savedPage({ data, mode: "side" }, assets);
  const [, policy] = /Content-Security-Policy" content="([^"]+)"/.exec(page);
  assert.ok(policy.startsWith("default-src 'none'; "));
  assert.equal(/https?:|'self'|\*/.test(policy), false);
});

test("nothing in a script or a prompt ends the script of a saved page", () => {
  const page = savedPage({ data, mode: "side" }, assets);
  assert.equal(page.match(/<\/script/gi).length, 3, "the import map, the data, and the start");
  assert.equal(page.includes("<!--"), false);
  const [, saved] = /<script type="application\/json" id="saved">(.*?)<\/script>/s.exec(page);
  assert.deepEqual(JSON.parse(saved), { data, mode: "side" });
});

test("images are in the file, each once asked for, and those that are gone are left out", async () => {
  const asked = [];
  define("FileReader", class {
    readAsDataURL(blob) {
      blob.text().then((text) => { this.result = `data:image/png,${text}`; this.onload(); });
    }
  });
  define("fetch", async (url) => {
    asked.push(String(url));
    const place = String(url).split("/static/")[1];
    if (place) return { ok: true, text: async () => readStatic(place) };
    return { ok: !String(url).includes("gone"), blob: async () => new Blob([String(url)]) };
  });
  const cells = [["b.png", "b.png"], ["gone.png", null]];
  const blob = await buildSavedPage({ ...data, seeds: [7, 8], cells }, (url) => `http://palate.test/${url}`, "grid");
  const page = await blob.text();
  const [, json] = /id="saved">(.*?)<\/script>/s.exec(page);
  const image = "data:image/png,http://palate.test/b.png";
  const saved = JSON.parse(json);
  assert.deepEqual([saved.data.cells, saved.mode], [[[image, image], [null, null]], "grid"]);
  assert.equal(asked.filter((url) => url.endsWith("b.png")).length, 1);
  assert.ok(page.includes("#board .comparison") || page.includes(".comparison"), "the style of the board");
});

test("a script that cannot be loaded makes no page", async () => {
  define("fetch", async () => ({ ok: false }));
  await assert.rejects(buildSavedPage({ ...data, cells: [] }, (url) => url, "side"), /cannot be loaded/);
});

test("a saved page starts with its board, in the mode that it was saved in", async () => {
  const root = openPage('<div><div class="compare"></div></div>');
  const saved = document.createElement("script");
  saved.id = "saved";
  saved.textContent = JSON.stringify({ data, mode: "slider" });
  document.body.append(saved);
  define("matchMedia", () => ({ matches: true }));
  await import("../../annotate/web/static/compare/standalone.js");
  assert.equal(root.querySelector(".compare").dataset.mode, "slider");
  assert.equal(root.querySelector("h3").textContent, data.prompts[0]);
  assert.deepEqual(root.querySelectorAll(".actions button").map((button) => button.textContent), ["Contact sheet"]);
  assert.equal(document.documentElement.classList.contains("dark"), true);
});
