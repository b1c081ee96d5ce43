// Photos that were searched with, in the browser's own storage, so that Back and reload find them. The server keeps none.

const DATABASE = "lookalike", STORE = "photos";
const MOST = 8; // the oldest are forgotten

function opened() {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE, { keyPath: "key" });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

async function inStore(mode, work) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = work(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request?.result);
      transaction.onerror = transaction.onabort = () => reject(transaction.error);
    });
  } finally {
    database.close();
  }
}

/** Keep a photo; the key under which it is found. Where the browser keeps nothing, the page goes on without. */
export async function keep(photo) {
  const key = `${Date.now().toString(36)}${Math.random().toString(36).slice(2, 6)}`;
  try {
    const keys = await inStore("readonly", (store) => store.getAllKeys());
    await inStore("readwrite", (store) => {
      for (const old of keys.sort().slice(0, Math.max(0, keys.length - MOST + 1))) store.delete(old);
      return store.put({ key, photo });
    });
  } catch { /* a private window, or no room */ }
  return key;
}

/** The photo of a key; `null` where it is gone. */
export async function kept(key) {
  try {
    return (await inStore("readonly", (store) => store.get(key)))?.photo ?? null;
  } catch {
    return null;
  }
}
