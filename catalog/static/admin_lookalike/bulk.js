// Files for many products: each is sent by itself, with its progress and its outcome, before the form is.

import { inTurn, outcome, send } from "./sending.js";

const form = document.getElementById("bulk");
const outcomes = form.querySelector("[data-outcomes]");
const input = form.querySelector("input[type=file]");
const drop = form.querySelector("[data-drop]");
const preview = form.querySelector("[data-preview]");
const place = form.querySelector("[data-tokens]");
const CLUTTER = /^(\.|thumbs\.db$|desktop\.ini$)/i;
let underWay = 0;

for (const one of form.querySelectorAll("[data-scripted]")) one.hidden = false;
const show = () => { preview.disabled = underWay > 0 || !form.querySelector("[name=kept_photos]"); };
show();

function keep(token) {
  const field = document.createElement("input");
  field.type = "hidden";
  field.name = "kept_photos";
  field.value = token;
  place.before(field);
}

function add(file) {
  const shown = outcome(outcomes, file.name);
  underWay += 1;
  show();
  inTurn(async () => {
    try {
      if (/\.zip$/i.test(file.name) || /zip/.test(file.type)) {
        const answer = await send(form.dataset.unpack, { photo: file }, shown.progress);
        answer.kept.forEach((one) => keep(one.token));
        const refused = answer.refused.length ? `, ${answer.refused.length} not taken` : "";
        shown.done(answer.kept.length ? "done" : "failed", `${answer.kept.length} photos${refused}`);
        for (const text of answer.refused) {
          const note = document.createElement("span");
          note.className = "desk-outcome-told is-warning";
          note.textContent = text;
          shown.line.append(note);
        }
      } else {
        const answer = await send(form.dataset.keep, { photo: file }, shown.progress);
        const card = document.createElement("template");
        card.innerHTML = answer.card;
        keep(card.content.querySelector("[name=kept_photos]").value);
        shown.done("done", "taken", answer.told);
      }
    } catch (error) {
      if (error.again) shown.again(error.message, () => add(file));
      else shown.done("failed", error.message);
    } finally {
      underWay -= 1;
      show();
    }
  });
}

const take = (files) => { for (const file of files) if (!CLUTTER.test(file.name)) add(file); };
input.addEventListener("change", () => {
  const files = [...input.files];
  input.value = "";
  take(files);
});
for (const name of ["dragover", "dragenter"]) form.addEventListener(name, (event) => {
  event.preventDefault();
  drop.classList.add("is-over");
});
form.addEventListener("dragleave", (event) => { if (!form.contains(event.relatedTarget)) drop.classList.remove("is-over"); });
form.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("is-over");
  take(event.dataTransfer.files);
});
for (const radio of form.querySelectorAll("[name=by]")) radio.addEventListener("change", () => {
  if (!preview.disabled && document.getElementById("make")) form.requestSubmit(preview);
});
