// A product's page: its photos, the dial and the filters of what looks like it, and why.

import { List } from "./list.js";

const MOVING = 150; // milliseconds without a move after which the dial asks
const form = document.getElementById("similar-form");
const dial = document.getElementById("dial");
const place = document.getElementById("similar");
const similar = new List(place, { status: document.getElementById("say"), after: showDial });
let photo = new URLSearchParams(location.search).get("photo");
let moving = null;

/** What the form asks for. The shop's own weight of colour is not asked for: it may change. */
function asked() {
  const query = new URLSearchParams(new FormData(form));
  query.delete("photo");
  if (photo && photo !== "1") query.set("photo", photo);
  if (dial?.hasAttribute("data-untouched")) query.delete("color_weight");
  return query;
}

function ask() {
  clearTimeout(moving);
  const query = asked().toString();
  const part = form.dataset.part;
  history.replaceState(null, "", query ? `?${query}` : location.pathname);
  similar.ask(() => ({ url: query ? `${part}?${query}` : part }));
}

function showDial(list) {
  const percent = list?.dataset.colorPercent;
  if (!dial || percent === undefined) return;
  if (dial.hasAttribute("data-untouched")) dial.value = percent / 100;
  say();
}

function say() {
  const color = Math.round(dial.value * 100);
  dial.setAttribute("aria-valuetext", dial.dataset.says.replace("{shape}", 100 - color).replace("{color}", color));
}

form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
form.addEventListener("change", (event) => { if (event.target !== dial) ask(); });
dial?.addEventListener("input", () => {
  dial.removeAttribute("data-untouched");
  say();
  clearTimeout(moving);
  moving = setTimeout(ask, MOVING);
});
if (dial) say();

// Photos: the stage shows the one that was chosen, by which is then searched.
document.getElementById("strip")?.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-photo]");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  for (const one of link.closest("ul").querySelectorAll("a")) one.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
  const small = link.querySelector("img");
  const stage = document.getElementById("stage");
  stage.srcset = small.dataset.srcset;
  stage.alt = small.dataset.alt;
  for (const name of ["width", "height"]) if (small.hasAttribute(name)) stage.setAttribute(name, small.getAttribute(name));
  photo = link.dataset.photo;
  ask();
});

// Why: the page behind the link, in a dialog.
const dialog = document.getElementById("why");
const why = new List(document.getElementById("why-content"));
place.addEventListener("click", (event) => {
  const link = event.target.closest("a.why-link");
  if (!link || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  why.say("slow");
  dialog.showModal();
  why.ask(() => ({ url: link.href }));
});
dialog.addEventListener("close", () => why.stop());

// The first list came with the page. One that is not ready is asked for again, as if the shopper had.
const first = place.querySelector("[data-again-after]");
if (first) moving = setTimeout(ask, first.dataset.againAfter * 1000);
