// A form with unsaved changes says so, and the browser asks before it is left.

const form = document.querySelector(".change-form form[method=post][id$=_form]");

/** The form's values by name; files count by their names. What scripts count (TOTAL_FORMS) is no edit. */
function values() {
  const found = new Map();
  for (const [name, value] of new FormData(form)) {
    if (name === "csrfmiddlewaretoken" || /_FORMS$/.test(name)) continue;
    const text = value instanceof File ? value.name : value;
    found.set(name, [...(found.get(name) ?? []), text]);
  }
  return found;
}

/** Nothing at a name is the same as empty texts there. */
const same = (one, other) => {
  const [left, right] = [one, other].map((list) => (list ?? []).filter((text) => text !== "").join("\n"));
  return left === right;
};

if (form) {
  let saved = values();
  let leaving = false;
  const row = form.querySelector(".submit-row");
  const note = document.createElement("p");
  note.className = "desk-unsaved";
  note.setAttribute("role", "status");
  row?.prepend(note);
  // A form that came back with errors was not saved.
  const refused = form.querySelector(".errornote") !== null;

  const isChanged = () => {
    const now = values();
    return refused || [...new Set([...saved.keys(), ...now.keys()])].some((name) => !same(saved.get(name), now.get(name)));
  };
  const show = () => { note.textContent = isChanged() ? "Unsaved changes" : ""; };
  form.addEventListener("input", show);
  form.addEventListener("change", show);
  form.addEventListener("submit", (event) => { leaving = !event.defaultPrevented; });
  window.addEventListener("pageshow", () => { leaving = false; });
  window.addEventListener("beforeunload", (event) => {
    if (!leaving && isChanged()) event.preventDefault();
  });
  // What is stored already came into the form, or went out of it: its fields are no edit.
  form.addEventListener("desk:stored", (event) => {
    const now = values();
    for (const field of event.target.querySelectorAll("[name]")) saved.set(field.name, now.get(field.name));
    show();
  });
  show();
}
