// Keeps something in IndexedDB, as applications do that remember a browser, and says so once it is there.
const made = {
  record: async () => ({ remembered: true, since: new Date(0), tags: ["staff"] }),
  blob: async () => new Blob(["remembered"]),
  key: async () =>
    (await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"])).privateKey,
};

async function keep(what) {
  const value = await made[what]();
  const request = indexedDB.open("staff", 1);
  request.onupgradeneeded = () => request.result.createObjectStore("device");
  request.onsuccess = () => {
    const writing = request.result.transaction("device", "readwrite");
    writing.objectStore("device").put(value, "this");
    writing.oncomplete = () => { document.getElementById("kept").hidden = false; };
  };
}

keep(document.getElementById("statements").dataset.keeps);
