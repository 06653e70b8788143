// Files on their way from the browser to the machine that Palate runs on, with progress and a stop.

import { relativeName } from "../dropped_files.js";

/** @typedef {{ path: string, name: string }} SentFile */

const MAX_FILES = 5000;
const BATCH_FILES = 100;
const BATCH_BYTES = 64 * 2 ** 20;
const MAX_BYTES = 4 * 2 ** 30;
const ADDRESS = "gradio_api/upload";

/**
 * Split files into those that are sent together: many small ones, or one large one.
 * @param {File[]} files
 * @returns {File[][]}
 */
export function batchesOf(files) {
  /** @type {File[][]} */
  const batches = [];
  let bytes = 0;
  for (const file of files) {
    const last = batches.at(-1);
    if (last && last.length < BATCH_FILES && bytes + file.size <= BATCH_BYTES) last.push(file);
    else {
      batches.push([file]);
      bytes = 0;
    }
    bytes += file.size;
  }
  return batches;
}

/**
 * Send files, and return where each lies there and which name it had here.
 * @param {File[]} files
 * @param {AbortSignal} signal
 * @param {(share: number, told: string) => void} progress
 * @param {typeof post} how
 * @returns {Promise<SentFile[]>}
 */
export async function sendFiles(files, signal, progress, how = post) {
  check(files);
  const whole = files.reduce((sum, file) => sum + file.size, 0);
  let before = 0;
  /** @type {SentFile[]} */
  const sent = [];
  for (const batch of batchesOf(files)) {
    const paths = await how(batch, signal, (bytes) => {
      const done = Math.min(whole, before + bytes);
      progress(whole ? done / whole : 1, `${inMegabytes(done)} of ${inMegabytes(whole)} MB sent`);
    });
    batch.forEach((file, index) => sent.push({ path: paths[index] || "", name: relativeName(file) }));
    before += batch.reduce((sum, file) => sum + file.size, 0);
  }
  return sent;
}

/** @param {File[]} files */
function check(files) {
  if (files.length > MAX_FILES) {
    throw new Error(`That is ${files.length.toLocaleString("en")} files, and ${MAX_FILES.toLocaleString("en")} can be sent. Name the folder below.`);
  }
  const large = files.find((file) => file.size > MAX_BYTES);
  if (large) throw new Error(`${large.name} has more than 4 GB, which can be sent at once. Copy it to the machine and name it below.`);
}

/** @param {number} bytes */
const inMegabytes = (bytes) => (bytes / 1e6).toLocaleString("en", { maximumFractionDigits: bytes < 1e7 ? 1 : 0 });

/**
 * @param {File[]} files
 * @param {AbortSignal} signal
 * @param {(bytes: number) => void} progress
 * @returns {Promise<string[]>}
 */
function post(files, signal, progress) {
  const form = new FormData();
  for (const file of files) form.append("files", file, file.name);
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Error(`${files[0]?.name} could not be sent. Try again, or name it below.`));
    // fetch tells nothing of how much was sent.
    request.upload.addEventListener("progress", ({ loaded }) => progress(loaded));
    request.addEventListener("load", () => (request.status === 200 ? resolve(JSON.parse(request.responseText)) : failed()));
    for (const type of ["error", "abort", "timeout"]) request.addEventListener(type, failed);
    signal.addEventListener("abort", () => request.abort());
    request.open("POST", new URL(ADDRESS, document.baseURI).href);
    request.send(form);
  });
}
