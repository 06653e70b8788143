// The outbox: events that wait for the server, oldest first. Each is written to localStorage at once,
// so that the next pair need not wait for a disk, and then moves to IndexedDB, which has no such
// small quota.

/** @typedef {import("../types").StageEvent} StageEvent */

const JOURNAL_PREFIX = "palate-journal:";
const OPEN_TIMEOUT_MS = 3000;

/** Open the outbox with the events that an earlier page left unsent. */
export async function openOutbox() {
  const outbox = new Outbox();
  await outbox.open();
  return outbox;
}

export class Outbox {
  /** @type {StageEvent[]} */
  events = [];
  // False when the browser stores nothing (some private windows). Events then last only as long as
  // the page, and the stage says so.
  durable = true;
  /** @type {Map<string, Promise<number | undefined | null>>} The number of each event in the database. */
  #stored = new Map();
  /** @type {IDBDatabase | null} */
  #database = null;
  #latestTime = 0;

  async open() {
    try {
      this.#database = await openDatabase();
      this.events = await transact(this.#database, "readonly", (store) => store.getAll());
      for (const event of this.events) this.#stored.set(event.key, Promise.resolve(event.order));
    } catch {
      this.durable = canWriteJournal();
    }

    // Events that a page wrote to the journal but could not store before it was closed.
    for (const event of readJournal().sort((a, b) => (a.at || 0) - (b.at || 0))) {
      if (this.#stored.has(event.key)) clearJournal(event);
      else this.events.push(event), this.#store(event, true);
    }
  }

  /**
   * Add an event. Returns at once if it is in the journal; else a promise that resolves once it is
   * stored.
   * @param {StageEvent} event
   * @returns {Promise<unknown> | undefined}
   */
  add(event) {
    event.at = this.#latestTime = Math.max(Date.now(), this.#latestTime + 1);
    const journaled = writeJournal(event);
    this.events.push(event);
    const order = this.#store(event, journaled);
    return journaled ? undefined : order;
  }

  /**
   * Forget an event that was sent or refused.
   * @param {StageEvent} sent
   */
  async remove(sent) {
    this.events = this.events.filter((event) => event !== sent);
    const order = await this.#stored.get(sent.key);
    this.#stored.delete(sent.key);
    clearJournal(sent);
    if (order === null || order === undefined || !this.#database) return;

    await transact(this.#database, "readwrite", (store) => store.delete(order)).catch(() => {
      this.durable = false;
    });
  }

  /**
   * @param {StageEvent} event
   * @param {boolean} journaled
   */
  #store(event, journaled) {
    const put = this.#database
      ? transact(this.#database, "readwrite", (store) => store.add({ ...event }))
      : Promise.reject(new Error("no database"));
    const order = put.then(
      (number) => {
        clearJournal(event);
        return Number(number);
      },
      () => {
        this.durable = journaled;
        return null;
      },
    );
    this.#stored.set(event.key, order);
    return order;
  }
}

/** @returns {Promise<IDBDatabase>} */
function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("palate", 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    // Some browsers neither open the database nor report an error.
    const timer = setTimeout(() => reject(new Error("the database does not open")), OPEN_TIMEOUT_MS);
    request.onsuccess = () => {
      clearTimeout(timer);
      resolve(request.result);
    };
    request.onerror = () => {
      clearTimeout(timer);
      reject(request.error);
    };
  });
}

/**
 * @template Result
 * @param {IDBDatabase} database
 * @param {IDBTransactionMode} mode
 * @param {(store: IDBObjectStore) => IDBRequest<Result>} use
 * @returns {Promise<Result>}
 */
function transact(database, mode, use) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("outbox", mode);
    const request = use(transaction.objectStore("outbox"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

/**
 * Write an event to the journal; return whether the browser took it.
 * @param {{ key: string }} event
 */
function writeJournal(event) {
  try {
    localStorage.setItem(JOURNAL_PREFIX + event.key, JSON.stringify(event));
    return true;
  } catch {
    return false;
  }
}

/** Return whether localStorage accepts anything. */
function canWriteJournal() {
  const probe = { key: "probe" };
  const journaled = writeJournal(probe);
  clearJournal(probe);
  return journaled;
}

/** @param {{ key: string }} event */
function clearJournal(event) {
  try {
    localStorage.removeItem(JOURNAL_PREFIX + event.key);
  } catch {
    // Without localStorage nothing was written.
  }
}

/** @returns {StageEvent[]} */
function readJournal() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(JOURNAL_PREFIX));
    return names.map((name) => JSON.parse(localStorage.getItem(name) || ""));
  } catch {
    return [];
  }
}
