// The outbox: events that wait for the server, oldest first. Each is written to localStorage at once,
// so that the next pair need not wait for a disk, and then moves to IndexedDB, which has no such
// small quota.

const JOURNAL_PREFIX = "palate-journal:";
const OPEN_TIMEOUT_MS = 3000;

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("palate", 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    // Some browsers neither open the database nor report an error.
    setTimeout(() => reject(new Error("the database does not open")), OPEN_TIMEOUT_MS);
  });
}

function transact(database, mode, use) {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction("outbox", mode);
    const request = use(transaction.objectStore("outbox"));
    transaction.oncomplete = () => resolve(request.result);
    transaction.onerror = transaction.onabort = () => reject(transaction.error);
  });
}

function writeJournal(event) {
  try {
    localStorage.setItem(JOURNAL_PREFIX + event.key, JSON.stringify(event));
    return true;
  } catch {
    return false;
  }
}

// True if localStorage accepts anything.
function canWriteJournal() {
  const probe = { key: "probe" };
  const journaled = writeJournal(probe);
  clearJournal(probe);
  return journaled;
}

function clearJournal(event) {
  try {
    localStorage.removeItem(JOURNAL_PREFIX + event.key);
  } catch {
    // Without localStorage nothing was written.
  }
}

function readJournal() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(JOURNAL_PREFIX));
    return names.map((name) => JSON.parse(localStorage.getItem(name)));
  } catch {
    return [];
  }
}

// `durable` turns false when the browser stores nothing (some private windows). Events then last only
// as long as the page, and the stage says so.
async function openOutbox() {
  const outbox = { events: [], durable: true, add: null, remove: null };
  const stored = new Map();
  let database = null;
  let latestTime = 0;

  try {
    database = await openDatabase();
    outbox.events = await transact(database, "readonly", (store) => store.getAll());
    for (const event of outbox.events) stored.set(event.key, Promise.resolve(event.order));
  } catch {
    outbox.durable = canWriteJournal();
  }
  // Events that a page wrote to the journal but could not store before it was closed.
  for (const event of readJournal().sort((a, b) => a.at - b.at)) {
    if (stored.has(event.key)) clearJournal(event);
    else outbox.events.push(event), storeEvent(event, true);
  }

  function storeEvent(event, journaled) {
    const put = database
      ? transact(database, "readwrite", (store) => store.add({ ...event }))
      : Promise.reject(new Error("no database"));
    const order = put.then(
      (number) => {
        clearJournal(event);
        return number;
      },
      () => {
        outbox.durable = journaled;
        return null;
      },
    );
    stored.set(event.key, order);
    return order;
  }

  // Returns at once if the event is in the journal; else a promise that resolves once it is stored.
  outbox.add = (event) => {
    event.at = latestTime = Math.max(Date.now(), latestTime + 1);
    const journaled = writeJournal(event);
    outbox.events.push(event);
    const order = storeEvent(event, journaled);
    return journaled ? undefined : order;
  };

  outbox.remove = async (sent) => {
    outbox.events = outbox.events.filter((event) => event !== sent);
    const order = await stored.get(sent.key);
    stored.delete(sent.key);
    clearJournal(sent);
    if (order === null || order === undefined || !database) return;
    await transact(database, "readwrite", (store) => store.delete(order)).catch(() => {
      outbox.durable = false;
    });
  };

  return outbox;
}
