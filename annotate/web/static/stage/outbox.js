// Events waiting for the server, oldest first. Each is noted at once in localStorage, so that the
// next pair need not wait for a disk, and moves to IndexedDB, which holds as many as there are.

const JOURNAL = "palate-journal:";
const OPENING_LIMIT_MS = 3000;

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("palate", 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
    // Some browsers neither open it nor say that they will not.
    setTimeout(() => reject(new Error("the database does not open")), OPENING_LIMIT_MS);
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

function note(event) {
  try {
    localStorage.setItem(JOURNAL + event.key, JSON.stringify(event));
    return true;
  } catch {
    return false;
  }
}

// Whether anything can be noted.
function notes() {
  const probe = { key: "probe" };
  const noted = note(probe);
  forget(probe);
  return noted;
}

function forget(event) {
  try {
    localStorage.removeItem(JOURNAL + event.key);
  } catch {
    // Without localStorage nothing was noted.
  }
}

function readNotes() {
  try {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(JOURNAL));
    return names.map((name) => JSON.parse(localStorage.getItem(name)));
  } catch {
    return [];
  }
}

// `durable` turns false when the browser keeps nothing (some private windows): the events then
// last as long as the page does, and the stage says so.
async function openOutbox() {
  const outbox = { events: [], durable: true, add: null, remove: null };
  const stored = new Map();
  let database = null;
  let newest = 0;

  try {
    database = await openDatabase();
    outbox.events = await transact(database, "readonly", (store) => store.getAll());
    for (const event of outbox.events) stored.set(event.key, Promise.resolve(event.order));
  } catch {
    outbox.durable = notes();
  }
  // What a page noted and could not store before it was closed.
  for (const event of readNotes().sort((a, b) => a.at - b.at)) {
    if (stored.has(event.key)) forget(event);
    else outbox.events.push(event), keep(event, true);
  }

  function keep(event, noted) {
    const put = database
      ? transact(database, "readwrite", (store) => store.add({ ...event }))
      : Promise.reject(new Error("no database"));
    const order = put.then(
      (number) => {
        forget(event);
        return number;
      },
      () => {
        outbox.durable = noted;
        return null;
      },
    );
    stored.set(event.key, order);
    return order;
  }

  // Resolves at once where the event is noted, else once it is stored.
  outbox.add = (event) => {
    event.at = newest = Math.max(Date.now(), newest + 1);
    const noted = note(event);
    outbox.events.push(event);
    const order = keep(event, noted);
    return noted ? undefined : order;
  };

  outbox.remove = async (gone) => {
    outbox.events = outbox.events.filter((event) => event !== gone);
    const order = await stored.get(gone.key);
    stored.delete(gone.key);
    forget(gone);
    if (order === null || order === undefined || !database) return;
    await transact(database, "readwrite", (store) => store.delete(order)).catch(() => {
      outbox.durable = false;
    });
  };

  return outbox;
}
