// Search by photo: choose, drop or paste one; draw a frame to search for a part of it.

import { post } from "./api.js";
import { card, notice, fill, skeletons } from "./parts.js";
import { showSimilar } from "./similar.js";

const form = document.getElementById("upload");
const input = document.getElementById("file");
const invitation = document.getElementById("invitation");
const preview = document.getElementById("preview");
const photo = document.getElementById("photo");
const cropper = document.getElementById("cropper");
const frame = document.getElementById("crop");
const whole = document.getElementById("whole");
const head = document.getElementById("results-head");
const facts = document.getElementById("results-facts");
const list = document.getElementById("results");
const SMALLEST = 0.04; // of a side: less is a click, not a frame

let file = null;
let crop = null; // x, y, w, h in fractions
let pending = null;
let start = null;

function take(chosen) {
  if (!chosen) return;
  if (chosen.type && !chosen.type.startsWith("image/")) { // browsers that do not know HEIC give it no type
    head.hidden = true;
    fill(list, notice("Not a photo", `${chosen.name || "That"} is no picture. JPEG, PNG, WebP, AVIF, HEIC, GIF, BMP or TIFF will do.`));
    return;
  }
  file = chosen;
  if (photo.src) URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(file);
  document.getElementById("file-name").textContent = file.name || "Pasted photo";
  invitation.hidden = true;
  preview.hidden = false;
  setCrop(null);
  search();
}

async function search() {
  pending?.abort();
  pending = new AbortController();
  head.hidden = false;
  facts.textContent = "";
  skeletons(list, 6);
  await showSimilar({
    list, facts, signal: pending.signal, again: search,
    ask: (signal) => {
      const body = new FormData();
      body.append("image", file);
      body.append("limit", "24");
      if (crop) body.append("crop", crop.map((value) => value.toFixed(4)).join(","));
      return post("search/image/", body, { signal });
    },
    render: (result) => card(result.product, { score: result.score }),
    empty: "Nothing in the shop looks like it.",
  });
}

function setCrop(value) {
  crop = value;
  frame.hidden = whole.hidden = !crop;
  if (!crop) return;
  const [x, y, w, h] = crop.map((each) => `${each * 100}%`);
  Object.assign(frame.style, { left: x, top: y, width: w, height: h });
}

function point(event) {
  const box = photo.getBoundingClientRect();
  const inside = (value) => Math.min(1, Math.max(0, value));
  return [inside((event.clientX - box.left) / box.width), inside((event.clientY - box.top) / box.height)];
}

function drawn(event) {
  const [x, y] = point(event);
  const box = [Math.min(x, start[0]), Math.min(y, start[1]), Math.abs(x - start[0]), Math.abs(y - start[1])];
  return box[2] >= SMALLEST && box[3] >= SMALLEST ? box : null;
}

cropper.addEventListener("pointerdown", (event) => {
  if (!file || event.button !== 0) return;
  event.preventDefault();
  cropper.setPointerCapture(event.pointerId);
  start = point(event);
});
cropper.addEventListener("pointermove", (event) => {
  if (start && drawn(event)) setCrop(drawn(event));
});
cropper.addEventListener("pointerup", (event) => {
  const box = start && drawn(event);
  start = null;
  if (box) {
    setCrop(box);
    search();
  }
});
cropper.addEventListener("pointercancel", () => { start = null; });
whole.addEventListener("click", () => { setCrop(null); search(); });

input.addEventListener("change", () => { take(input.files[0]); input.value = ""; });
form.addEventListener("submit", (event) => event.preventDefault());
for (const name of ["dragenter", "dragover"]) {
  document.addEventListener(name, (event) => { event.preventDefault(); form.classList.add("over"); });
}
for (const name of ["dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    if (name === "drop" || !event.relatedTarget) form.classList.remove("over");
  });
}
document.addEventListener("drop", (event) => take(event.dataTransfer.files[0]));
document.addEventListener("paste", (event) => take([...event.clipboardData.files][0]));
