// Of the form of a rule only the fields that its kind, target and scope have a use for are shown. Without this all are.
const TARGETED = ["hide", "boost", "bury"];
const USES = {
  place: ({ kind }) => kind === "pin",
  factor: ({ kind }) => kind === "boost" || kind === "bury",
  target: ({ kind }) => TARGETED.includes(kind),
  product: ({ kind, target }) => kind === "pin" || (TARGETED.includes(kind) && target === "product"),
  attribute: ({ kind, target }) => TARGETED.includes(kind) && target === "attribute",
  value: ({ kind, target }) => TARGETED.includes(kind) && target === "attribute",
  brand: ({ kind, target }) => TARGETED.includes(kind) && target === "brand",
  price_from: ({ kind, target }) => TARGETED.includes(kind) && target === "price",
  for_product: ({ scope }) => scope === "product",
  for_category: ({ scope }) => scope === "category",
  for_brand: ({ scope }) => scope === "brand",
};
const choices = ["kind", "target", "scope"].map((name) => document.getElementById(`id_${name}`));

function show() {
  const chosen = Object.fromEntries(choices.map((choice) => [choice.name, choice.value]));
  for (const [name, isUsed] of Object.entries(USES)) {
    document.querySelector(`.form-row.field-${name}`)?.classList.toggle("rule-unused", !isUsed(chosen));
  }
}

if (choices.every(Boolean)) {
  for (const choice of choices) choice.addEventListener("change", show);
  show();
}
