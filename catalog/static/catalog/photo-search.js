// Search by photo: chosen, taken, dropped, pasted or named by its URL; the whole of it or a part; among what the filters say.
// The address says all of it but the photo, which is in the browser's storage (kept-photos.js), or on the web, at `url`.

import { Crop } from "./crop.js";
import { keep, kept } from "./kept-photos.js";
import { List, countOf } from "./list.js";
import { shrunk } from "./shrink.js";

const PAUSE = 250; // milliseconds without a move after which the frame asks
const byId = (id) => document.getElementById(id);
const upload = byId("upload"), byUrl = byId("by-url");
const photo = byId("photo"), frame = byId("frame"), results = byId("results-section"), count = byId("results-count");
const crop = new Crop(byId("cropper"), frame, cropped);
const list = new List(byId("results"), { status: byId("say"), after: counted });

let current = null; // {blob} or {url}
let pause = null;

function filters() {
  const given = new URLSearchParams();
  for (const [name, value] of new FormData(upload)) if (typeof value === "string" && value) given.set(name, value);
  return given;
}

function cropText() {
  return crop.box?.map((each) => each.toFixed(4)).join(",") ?? "";
}

/** Write what is asked for into the address: a new photo is a new page to go back from, anything else is not. */
function remember(changes = {}, { push = false } = {}) {
  const query = new URLSearchParams(location.search);
  for (const name of ["category", "min_price", "max_price", "in_stock", "crop"]) query.delete(name);
  for (const [name, value] of filters()) query.set(name, value);
  if (cropText()) query.set("crop", cropText());
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const address = `${new URL(upload.action).pathname}?${query}`;
  if (push) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

function search() {
  clearTimeout(pause);
  if (!current) return;
  results.hidden = false;
  const asked = current;
  list.ask(() => {
    const body = new FormData();
    if (asked.blob) body.append("image", asked.blob, "photo");
    else body.append("image_url", asked.url);
    for (const [name, value] of filters()) body.append(name, value);
    if (cropText()) body.append("crop", cropText());
    if (!asked.shown) body.append("preview", "1");
    return { url: asked.blob ? upload.action : byUrl.action, method: "POST", body };
  });
}

function cropped() {
  byId("whole").hidden = !crop.box;
  byId("part").hidden = Boolean(crop.box) || !crop.enabled;
  clearTimeout(pause);
  pause = setTimeout(() => { remember(); search(); }, PAUSE);
}

function counted(shown) {
  count.textContent = countOf(shown);
  const sent = shown?.querySelector(".sent-preview");
  if (sent && current && !current.shown) { // parts of it are asked for with the preview: the other site is asked only once
    const bytes = Uint8Array.from(atob(sent.src.split(",")[1]), (one) => one.charCodeAt(0));
    current = { blob: new Blob([bytes], { type: "image/jpeg" }), shown: true };
    display(sent.src);
  }
  byId("no-preview").hidden = Boolean(current?.shown) || !count.textContent;
}

/** Show a photo on the page; `source`: its address, null where the browser cannot show it. */
function display(source) {
  if (photo.src.startsWith("blob:")) URL.revokeObjectURL(photo.src);
  if (source) photo.src = source; else photo.removeAttribute("src");
  upload.classList.add("has-photo");
  byId("preview").hidden = false;
  byId("cropper").hidden = !source;
  byId("crop-help").hidden = !source;
  crop.enabled = Boolean(source);
  byId("part").hidden = !source || Boolean(crop.box);
}

function present({ blob = null, url = "", shown = true }) {
  current = blob ? { blob, shown } : { url, shown: false };
  crop.show(null);
  byId("whole").hidden = true;
  display(blob && shown ? URL.createObjectURL(blob) : null);
}

async function takeFile(file) {
  if (!file) return;
  const { blob, shown } = await shrunk(file);
  present({ blob, shown });
  remember({ photo: await keep({ blob, shown }), url: "" }, { push: true });
  search();
}

async function takeUrl(text) {
  let url;
  try { url = new URL(text); } catch { return; }
  if (url.origin === location.origin) { // our own photo: the browser has it, or gets it
    const response = await fetch(url).catch(() => null);
    if (response?.ok && response.headers.get("Content-Type")?.startsWith("image/")) {
      await takeFile(await response.blob());
      return;
    }
  }
  byId("image-url").value = url.href;
  present({ url: url.href });
  remember({ url: url.href, photo: "" }, { push: true });
  search();
}

/** What the address says, after Back or a reload. */
async function restore() {
  const query = new URLSearchParams(location.search);
  for (const element of upload.elements) {
    if (element.type === "checkbox") element.checked = query.get(element.name) === element.value;
    else if (element.name && element.type !== "file") element.value = query.get(element.name) ?? "";
  }
  const found = query.get("photo") ? await kept(query.get("photo")) : null;
  if (found) present(found);
  else if (query.get("url")) { byId("image-url").value = query.get("url"); present({ url: query.get("url") }); }
  else { forget(); return; }
  const box = (query.get("crop") ?? "").split(",").map(Number);
  if (box.length === 4 && box.every((each) => each >= 0 && each <= 1)) {
    crop.show(box);
    byId("whole").hidden = false;
    byId("part").hidden = true;
  }
  search();
}

function forget() {
  list.stop();
  current = null;
  crop.show(null);
  crop.enabled = false;
  upload.classList.remove("has-photo");
  byId("preview").hidden = true;
  results.hidden = true;
}

for (const input of [byId("file"), byId("camera")]) {
  input.addEventListener("change", () => { takeFile(input.files[0]); input.value = ""; });
}
upload.addEventListener("submit", (event) => event.preventDefault());
byId("narrow").addEventListener("change", () => { remember(); search(); });
byUrl.addEventListener("submit", (event) => { event.preventDefault(); takeUrl(byId("image-url").value.trim()); });
byId("part").addEventListener("click", () => crop.begin());
byId("whole").addEventListener("click", () => { crop.set(null); byId("part").focus(); });
byId("other").addEventListener("click", () => byId("file").click());

for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); upload.classList.add("over"); });
}
document.addEventListener("dragleave", (event) => { if (!event.relatedTarget) upload.classList.remove("over"); });
document.addEventListener("drop", (event) => {
  event.preventDefault();
  upload.classList.remove("over");
  given(event.dataTransfer);
});
document.addEventListener("paste", (event) => {
  if (event.target.matches("input:not([type=file])") && !event.clipboardData.files.length) return;
  given(event.clipboardData);
});

/** A file, or the address of one. */
function given(data) {
  const text = (data.getData("text/uri-list") || data.getData("text/plain")).trim().split("\n")[0];
  if (data.files.length) takeFile(data.files[0]);
  else if (/^https?:\/\//i.test(text)) takeUrl(text);
}

window.addEventListener("popstate", restore);
if (new URLSearchParams(location.search).has("photo") || new URLSearchParams(location.search).has("url")) restore();
