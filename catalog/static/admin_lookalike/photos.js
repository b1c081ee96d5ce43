// Photos of a product: sent as soon as they are chosen, moved by dragging or by buttons, replaced in their place.

import { inTurn, outcome, send } from "./sending.js";

const section = document.getElementById("photos");
if (section?.querySelector("[data-drop]")) begin();

function begin() {
  const form = section.closest("form");
  const list = section.querySelector("[data-photos]");
  const outcomes = section.querySelector("[data-outcomes]");
  const announcer = section.querySelector("[data-announce]");
  const counts = (name) => form.elements[`images-${name}_FORMS`];
  const announce = (text) => { announcer.textContent = text; };
  section.classList.add("is-scripted");
  showScripted(section);

  // New photos
  const input = section.querySelector("input[type=file][name=new_photos]");
  const drop = section.querySelector("[data-drop]");
  const take = (files) => { for (const file of files) add(file); };
  input.addEventListener("change", () => {
    const files = [...input.files];
    input.value = "";
    take(files);
  });
  for (const name of ["dragover", "dragenter"]) section.addEventListener(name, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.add("is-over");
  });
  section.addEventListener("dragleave", (event) => { if (!section.contains(event.relatedTarget)) drop.classList.remove("is-over"); });
  section.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    drop.classList.remove("is-over");
    take(event.dataTransfer.files);
  });

  // Whoever saves while files are still being sent saves when they are there; a file that was refused is to be seen first.
  let underWay = 0;
  let refused = 0;
  let saver = null;
  const wait = document.createElement("p");
  wait.className = "desk-unsaved";
  wait.setAttribute("role", "status");
  form.querySelector(".submit-row")?.append(wait);
  form.addEventListener("submit", (event) => {
    if (!underWay) return;
    event.preventDefault();
    [saver, refused] = [event.submitter, 0];
    wait.textContent = "Saved as soon as all photos are sent …";
  }, true);
  function ended() {
    underWay -= 1;
    if (underWay || !saver) return;
    wait.textContent = refused ? "Not saved yet: see what became of the photos, then save." : "";
    if (!refused) form.requestSubmit(saver);
    saver = null;
  }

  function add(file) {
    const shown = outcome(outcomes, file.name);
    underWay += 1;
    inTurn(async () => {
      try {
        const url = section.dataset.add ?? section.dataset.keep;
        const answer = await send(url, { photo: file }, shown.progress);
        insert(answer.card);
        shown.done("done", section.dataset.add ? "added" : "added when the product is saved", answer.told);
        announce(`${file.name} was added`);
      } catch (error) {
        if (error.again) shown.again(error.message, () => add(file));
        else shown.done("failed", error.message);
        announce(`${file.name} was not added`);
        refused += 1;
      } finally {
        ended();
      }
    });
  }

  const urlInput = section.querySelector("[name=new_photo_url]");
  const addUrl = section.querySelector("[data-add-url]");
  addUrl?.addEventListener("click", fetchUrl);
  urlInput?.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !addUrl) return;
    event.preventDefault();
    fetchUrl();
  });
  function fetchUrl() {
    const url = urlInput.value.trim();
    if (!url) { urlInput.focus(); return; }
    const shown = outcome(outcomes, url);
    inTurn(async () => {
      try {
        const answer = await send(section.dataset.add, { url });
        if (urlInput.value.trim() === url) urlInput.value = "";
        insert(answer.card);
        form.dispatchEvent(new Event("change"));
        shown.done("done", "is being fetched", answer.told);
      } catch (error) { shown.done("failed", error.message); }
    });
  }

  /** A card of the server. One with a row of its own is one more form that the product had from the start. */
  function insert(html) {
    const card = element(html.replaceAll("__place__", counts("INITIAL").value));
    if (card.dataset.image) {
      for (const name of ["INITIAL", "TOTAL"]) counts(name).value = Number(counts(name).value) + 1;
    }
    list.append(card);
    prepare(card);
    if (card.dataset.image) stored(card);
    else form.dispatchEvent(new Event("change"));
    rank({ edits: false });
  }

  function stored(card) {
    card.dispatchEvent(new CustomEvent("desk:stored", { bubbles: true }));
    document.dispatchEvent(new CustomEvent("desk:photos"));
  }

  // Each photo
  const cards = () => [...list.querySelectorAll("[data-photo], [data-kept]")];

  function prepare(card) {
    showScripted(card);
    // By its picture alone, so that text in its fields can be chosen with the mouse.
    card.querySelector(".desk-photo-picture").draggable = true;
    card.querySelector("[data-drop-kept]")?.addEventListener("click", () => { card.remove(); form.dispatchEvent(new Event("change")); input.focus(); });
    for (const button of card.querySelectorAll("[data-move]")) {
      button.addEventListener("click", () => move(card, Number(button.dataset.move), button));
      button.addEventListener("keydown", (event) => {
        const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
        if (!step) return;
        event.preventDefault();
        move(card, step, button);
      });
    }
    const file = card.querySelector("input[type=file]");
    if (card.dataset.replace) file?.addEventListener("change", () => replace(card, file));
    const removal = card.querySelector("[name$=-DELETE]");
    removal?.addEventListener("change", () => card.classList.toggle("is-removed", removal.checked));
    card.addEventListener("dragstart", (event) => {
      if (!event.target.closest(".desk-photo-picture")) return;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setDragImage(card, 20, 20);
      event.dataTransfer.setData("text/plain", "");
      card.classList.add("is-dragged");
    });
    card.addEventListener("dragend", () => card.classList.remove("is-dragged"));
  }

  list.addEventListener("dragover", (event) => {
    const dragged = list.querySelector(".is-dragged");
    const over = event.target.closest("[data-photo], [data-kept]");
    if (!dragged || !over) return;
    event.preventDefault();
    if (over === dragged) return;
    const place = over.getBoundingClientRect();
    if (event.clientX < place.left + place.width / 2) over.before(dragged);
    else over.after(dragged);
  });
  list.addEventListener("drop", (event) => {
    if (!list.querySelector(".is-dragged")) return;
    event.preventDefault();
    rank();
  });

  function move(card, step, button) {
    const all = cards();
    const other = all[all.indexOf(card) + step];
    if (!other) return;
    if (step < 0) other.before(card);
    else other.after(card);
    rank();
    button.focus();
    announce(`Photo ${cards().indexOf(card) + 1} of ${all.length}`);
  }

  /** Say of each photo which it is; `edits`: write the places into the form. */
  function rank({ edits = true } = {}) {
    cards().forEach((card, number) => {
      const place = card.querySelector("[data-position] input");
      if (edits && place) place.value = number;
      const shown = card.querySelector("[data-rank]");
      if (shown) shown.textContent = number ? String(number + 1) : "Main photo";
    });
    if (edits) form.dispatchEvent(new Event("change"));
  }

  function replace(card, file) {
    const chosen = file.files[0];
    if (!chosen) return;
    const shown = outcome(outcomes, chosen.name);
    inTurn(async () => {
      try {
        const answer = await send(card.dataset.replace, { photo: chosen }, shown.progress);
        const fresh = element(answer.card);
        const picture = fresh.querySelector(".desk-photo-picture");
        picture.draggable = true;
        card.querySelector(".desk-photo-picture").replaceWith(picture);
        const footer = [card, fresh].map((one) => one.querySelector("[data-footer]"));
        if (footer[0] && footer[1]) footer[0].replaceWith(footer[1]);
        file.value = "";
        form.dispatchEvent(new Event("change"));
        document.dispatchEvent(new CustomEvent("desk:photos"));
        shown.done("done", "in the place of the photo before", answer.told);
      } catch (error) {
        file.value = "";
        form.dispatchEvent(new Event("change"));
        shown.done("failed", `${error.message} The photo before stays.`);
      }
    });
  }

  cards().forEach(prepare);
  rank({ edits: false });
}

function element(html) {
  const template = document.createElement("template");
  template.innerHTML = html.trim();
  return template.content.firstElementChild;
}

function showScripted(within) {
  for (const one of within.querySelectorAll("[data-scripted]")) one.hidden = false;
}
