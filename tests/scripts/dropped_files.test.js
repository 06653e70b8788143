import assert from "node:assert/strict";
import { test } from "node:test";

import { acceptedFiles, filesOf, promptLines } from "../../annotate/web/static/dropped_files.js";

const file = (name) => ({ name });
const names = (files) => files.map(({ name }) => name);

test("images, prompts and what lies beside images are told by their names", () => {
  const sorted = acceptedFiles(["a.PNG", "b.jpeg", "a.txt", "all.csv", "film.mp4", ".DS_Store"].map(file));
  assert.deepEqual(names(sorted.images), ["a.PNG", "b.jpeg"]);
  assert.deepEqual(names(sorted.prompts), ["a.txt"]);
  assert.deepEqual(names(sorted.beside), ["a.txt", "all.csv"]);
  assert.deepEqual(names(sorted.others), ["all.csv", "film.mp4"]);
});

test("prompts are one a line, each once, without comments", () => {
  assert.deepEqual(promptLines("\ufeff# mine\r\n a cat \n\na dog\na cat"), ["a cat", "a dog"]);
});

test("files of a folder are found, however many parts it is read in", async () => {
  const entryOf = (name) => ({ isFile: true, file: (done) => done(file(name)) });
  const folder = (parts) => ({
    isDirectory: true,
    createReader: () => ({ readEntries: (done) => done(parts.shift() || []) }),
  });
  const inner = folder([[entryOf("c.png")]]);
  const dropped = { items: [folder([[entryOf("a.png"), inner], [entryOf("b.png")]])].map((entry) => ({ webkitGetAsEntry: () => entry })) };
  assert.deepEqual(names(await filesOf(dropped)), ["a.png", "c.png", "b.png"]);
  assert.deepEqual(names(await filesOf({ items: [], files: [file("x.txt")] })), ["x.txt"]);
});
