// A browser's database for tests: one store, kept for as long as the test.

import { define } from "./dom.js";

/** Give the browser a database with these rows; `broken` lets it fail, `silent` never answer. */
export function openDatabases(rows = [], { broken = false, silent = false } = {}) {
  let newest = Math.max(0, ...rows.map((row) => row.order));
  const finish = (request, result) => {
    request.result = result;
    return request;
  };
  const store = {
    getAll: () => finish({}, rows.map((row) => ({ ...row }))),
    add(row) {
      newest += 1;
      rows.push({ ...row, order: newest });
      return finish({}, newest);
    },
    delete(order) {
      const at = rows.findIndex((row) => row.order === order);
      if (at >= 0) rows.splice(at, 1);
      return finish({}, undefined);
    },
  };
  const database = {
    transaction() {
      const transaction = { objectStore: () => store, error: new Error("full") };
      queueMicrotask(() => (database.full ? transaction.onabort() : transaction.oncomplete()));
      return transaction;
    },
    full: false,
  };
  define("indexedDB", {
    open() {
      const request = { result: database, error: new Error("denied") };
      if (!silent) queueMicrotask(() => (broken ? request.onerror() : request.onsuccess()));
      return request;
    },
  });
  return { rows, database };
}
