import assert from "node:assert/strict";
import { test } from "node:test";

import { batchesOf, sendFiles } from "../../annotate/web/static/data/send_files.js";

const MB = 2 ** 20;
const file = (name, size = 1, folder = "") => ({ name, size, webkitRelativePath: folder && `${folder}/${name}` });
const going = new AbortController().signal;

test("many small files are sent together, and a large one alone", () => {
  const small = Array.from({ length: 150 }, (_, number) => file(`${number}.png`));
  assert.deepEqual(batchesOf(small).map((batch) => batch.length), [100, 50]);
  assert.deepEqual(batchesOf([file("a", 60 * MB), file("b", 60 * MB), file("c", 4 * MB)]).map((batch) => batch.length), [1, 2]);
});

test("files keep their names within a folder, and it is told how much was sent", async () => {
  const told = [];
  const sent = await sendFiles(
    [file("metadata.jsonl", 3 * MB, "pairs"), file("1.png", MB, "pairs/images")],
    going,
    (share, text) => told.push([share, text]),
    async (batch, signal, progress) => {
      progress(2 * MB);
      return batch.map(({ name }) => `/uploads/${name}`);
    },
  );
  assert.deepEqual(sent, [
    { path: "/uploads/metadata.jsonl", name: "pairs/metadata.jsonl" },
    { path: "/uploads/1.png", name: "pairs/images/1.png" },
  ]);
  assert.deepEqual(told, [[0.5, "2.1 of 4.2 MB sent"]]);
});

test("what cannot be sent is refused before anything is", async () => {
  const never = () => assert.fail("it was sent");
  await assert.rejects(sendFiles([file("big.parquet", 5 * 1024 * MB)], going, never, never), /big\.parquet has more than 4 GB/);
  const many = Array.from({ length: 5001 }, (_, number) => file(`${number}.png`));
  await assert.rejects(sendFiles(many, going, never, never), /That is 5,001 files, and 5,000 can be sent/);
});
