// What was dropped: its files, those within folders too, sorted by what Palate does with them.

const IMAGES = /\.(png|jpe?g|webp)$/i;
const PROMPTS = /\.txt$/i;
// Captions and tables that say what images show.
const BESIDE = /\.(txt|caption|json|jsonl|csv|tsv)$/i;
const PREFERENCES = /\.(parquet|jsonl|json|csv)$/i;
const MAX_FILES = 20000;
/** The event by which files of preferences reach the section Data. */
export const PREFERENCES_DROPPED = "palate-data-files";
/** Paths of files that came in a folder. @type {WeakMap<File, string>} */
const paths = new WeakMap();

/**
 * Hand files of preferences to the section Data, from wherever on the page they were dropped.
 * @param {File[]} files
 */
export const announceFiles = (files) => document.dispatchEvent(new CustomEvent(PREFERENCES_DROPPED, { detail: files }));

/**
 * Return the files of a drop, and those in its folders.
 * @param {DataTransfer} dropped
 * @returns {Promise<File[]>}
 */
export async function filesOf(dropped) {
  // Asked for at once: the browser forgets them after the event.
  const items = dropped.items ? [...dropped.items] : [];
  const entries = items.map((item) => item.webkitGetAsEntry?.()).filter((entry) => entry);
  if (!entries.some((entry) => entry?.isDirectory)) return [...dropped.files];
  /** @type {File[]} */
  const found = [];
  for (const entry of entries) if (entry) await collect(entry, found);
  return found;
}

/**
 * Return the name of a file within the folder that it came in, with that folder.
 * @param {File} file
 */
export function relativeName(file) {
  return (paths.get(file) || file.webkitRelativePath || file.name).replace(/^\/+/, "");
}

/**
 * Sort files into images, prompts, preferences, what may say more about images, and others.
 * @param {File[]} files
 */
export function acceptedFiles(files) {
  const shown = files.filter(({ name }) => !name.startsWith("."));
  return {
    images: shown.filter(({ name }) => IMAGES.test(name)),
    prompts: shown.filter(({ name }) => PROMPTS.test(name)),
    preferences: shown.filter(({ name }) => PREFERENCES.test(name)),
    beside: shown.filter(({ name }) => BESIDE.test(name)),
    others: shown.filter(({ name }) => !IMAGES.test(name) && !PROMPTS.test(name)),
  };
}

/**
 * Return the prompts of a text: one a line, without empty lines and # comments.
 * @param {string} text
 */
export function promptLines(text) {
  const lines = text.replace(/^\ufeff/, "").split(/\r\n|\r|\n/).map((line) => line.trim());
  return [...new Set(lines.filter((line) => line && !line.startsWith("#")))];
}

/**
 * @param {FileSystemEntry} entry
 * @param {File[]} found
 */
async function collect(entry, found) {
  if (found.length >= MAX_FILES) return;
  if (entry.isFile) {
    const file = /** @type {FileSystemFileEntry} */ (entry);
    /** @type {File} */
    const inside = await new Promise((resolve, reject) => file.file(resolve, reject));
    paths.set(inside, entry.fullPath);
    found.push(inside);
    return;
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  // A folder is read in parts, until one is empty.
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return;
    for (const inside of part) await collect(inside, found);
  }
}
