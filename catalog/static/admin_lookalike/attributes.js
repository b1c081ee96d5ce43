// A button for one more attribute in place of rows that wait empty.

for (const rows of document.querySelectorAll("[data-attribute-rows]")) {
  const [first, ...others] = rows.querySelectorAll("[data-empty]");
  others.forEach((row) => row.remove());
  const blank = first.cloneNode(true);
  if (rows.querySelector("[data-row]:not([data-empty])")) first.remove();
  const more = document.createElement("button");
  more.type = "button";
  more.className = "button quiet";
  more.textContent = "Add an attribute";
  more.addEventListener("click", () => {
    const row = blank.cloneNode(true);
    more.before(row);
    row.querySelector("input").focus();
  });
  rows.querySelector(".help").before(more);
  rows.querySelectorAll("[data-row]").forEach(withRemoval);
  new MutationObserver((records) => {
    for (const record of records) for (const node of record.addedNodes) if (node.matches?.("[data-row]")) withRemoval(node);
  }).observe(rows, { childList: true });
}

function withRemoval(row) {
  if (row.querySelector("button")) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet";
  const name = row.querySelector("input").value;
  button.setAttribute("aria-label", name ? `Remove ${name}` : "Remove this attribute");
  button.textContent = "×";
  button.addEventListener("click", () => {
    const form = row.closest("form");
    const next = row.nextElementSibling?.querySelector("input, button") ?? row.nextElementSibling;
    row.remove();
    form.dispatchEvent(new Event("change"));
    next?.focus();
  });
  row.append(button);
}
