// Events waiting for the server, oldest first. They live in IndexedDB, so a reload loses none.

function openDatabase() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("palate", 1);
    request.onupgradeneeded = () =>
      request.result.createObjectStore("outbox", { keyPath: "order", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
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

// `durable` turns false when the browser keeps no database (some private windows): the events
// then last as long as the page does, and the stage says so.
async function openOutbox() {
  const outbox = { events: [], durable: true, add: null, remove: null };
  let database = null;
  let spare = 0;
  try {
    database = await openDatabase();
    outbox.events = await transact(database, "readonly", (store) => store.getAll());
  } catch {
    outbox.durable = false;
  }

  outbox.add = async (event) => {
    try {
      if (!database) throw new Error("no database");
      event.order = await transact(database, "readwrite", (store) => store.add(event));
    } catch {
      outbox.durable = false;
      event.order = `memory-${(spare += 1)}`;
    }
    outbox.events.push(event);
  };

  outbox.remove = async (gone) => {
    outbox.events = outbox.events.filter((event) => event !== gone);
    if (typeof gone.order !== "number") return;
    await transact(database, "readwrite", (store) => store.delete(gone.order)).catch(() => {
      outbox.durable = false;
    });
  };

  return outbox;
}
