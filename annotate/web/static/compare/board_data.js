// What a board's data says of its rows.

/** @typedef {import("../types").BoardData} BoardData */

/**
 * Return what the rows count. Only boards whose rows are seeds have a link that renders them again.
 * @param {Pick<BoardData, "row">} data
 */
export const rowName = (data) => data.row || "seed";

/**
 * Return the prompt of a row.
 * @param {BoardData} data
 * @param {number} index
 */
export const promptOf = (data, index) => data.prompts[Math.floor(index / data.seeds.length)];

/**
 * Return a row's kind and number, as in "seed 7".
 * @param {BoardData} data
 * @param {number} index
 */
export const rowLabel = (data, index) => `${rowName(data)} ${data.seeds[index % data.seeds.length]}`;

/**
 * Return what is shown of each column. A board that was saved by an earlier release has no labels.
 * @param {Pick<BoardData, "columns" | "labels">} data
 */
export const labelsOf = (data) => data.labels || data.columns;

/**
 * Return a name for a file of the board's columns.
 * @param {BoardData} data
 * @param {string} ending
 */
export function fileName(data, ending) {
  const words = data.columns.join("-").replace(/[^A-Za-z0-9.@+-]+/g, "");
  return `palate-${words}${ending}`;
}
