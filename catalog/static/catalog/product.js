// One product: its photos, and what looks like the photo that is shown.

import { get } from "./api.js";
import { card, failure, fill, listPrice, make, notice, photo, price, skeletons } from "./parts.js";
import { showSimilar } from "./similar.js";
import { swatches } from "./swatches.js";
import { openWhy } from "./why.js";

const page = document.getElementById("product");
const list = document.getElementById("similar");
const facts = document.getElementById("similar-facts");
const toggles = { category: document.getElementById("same-category"), in_stock: document.getElementById("similar-in-stock"),
  diversity: document.getElementById("diverse") };
const dial = document.getElementById("dial");
const weight = document.getElementById("color-weight");
const id = page.dataset.id;
const MOVING = 120; // milliseconds without a move after which the dial asks

let product = null;
let shown = null; // the photo that similar items are asked for
let pending = null;
let turned = false; // whether the dial was moved; until then the shop's own weight counts
let moving = null;
const ownColors = make("div", { class: "swatches" }); // has its height before it has colours, so nothing moves

function showProduct() {
  document.title = `${product.title} · Lookalike`;
  shown = product.images[0] ?? null;
  const stage = make("div", { class: "stage" });
  const strip = product.images.length < 2 ? null : make("div", { class: "strip", role: "group", "aria-label": "Photos" },
    ...product.images.map((image, index) => make("button", { type: "button", "aria-label": `Photo ${index + 1}`, "aria-pressed": String(index === 0),
      onclick: (event) => {
        for (const button of strip.children) button.setAttribute("aria-pressed", String(button === event.currentTarget));
        shown = image;
        showPhoto(stage);
        similar();
      } }, photo(image, "", { eager: true }))));
  const attributes = Object.entries(product.attributes ?? {});
  page.replaceChildren(
    make("div", { class: "gallery" }, stage, strip),
    make("div", { class: "facts" },
      product.category ? make("a", { class: "crumb", href: `/?category=${encodeURIComponent(product.category.slug)}` }, product.category.name) : null,
      make("h1", {}, product.title),
      product.brand ? make("p", { class: "muted" }, product.brand) : null,
      make("p", { class: "price" }, price(product), " ", listPrice(product)),
      ownColors,
      make("p", { class: product.in_stock ? "stock" : "stock out" }, product.in_stock ? "In stock" : "Out of stock"),
      product.description ? make("p", { class: "description" }, product.description) : null,
      attributes.length ? make("dl", { class: "attributes" }, ...attributes.flatMap(([name, value]) =>
        [make("dt", {}, name), make("dd", {}, shownValue(value))])) : null,
      make("p", { class: "muted small" }, `No. ${product.sku}`),
      product.url ? make("a", { class: "button", href: product.url, rel: "noopener" }, "See in the shop") : null));
  page.setAttribute("aria-busy", "false");
  showPhoto(stage);
}

/** Several values with commas between them. */
function shownValue(value) {
  if (Array.isArray(value)) return value.map(shownValue).join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

function showPhoto(stage) {
  if (!shown) {
    stage.replaceChildren(photo(null));
    return;
  }
  const image = make("img", { src: shown.url, alt: shown.alt || product.title, width: shown.width, height: shown.height, decoding: "async" });
  image.addEventListener("error", () => stage.replaceChildren(make("div", { class: "picture missing" }, "Photo cannot be shown")));
  stage.replaceChildren(image);
}

/** While the dial moves, what stands there stays until there is an answer. */
async function similar({ keep = false } = {}) {
  clearTimeout(moving);
  pending?.abort();
  pending = new AbortController();
  if (keep) list.setAttribute("aria-busy", "true");
  else {
    skeletons(list, 6);
    facts.textContent = "";
  }
  const primary = shown && shown.id === product.images[0]?.id;
  await showSimilar({
    list, facts, signal: pending.signal, again: () => similar(),
    ask: async (signal) => showDial(await get(`products/${id}/similar/`, {
      limit: 12,
      image: shown && !primary ? shown.id : null,
      category: toggles.category.checked ? product.category?.slug : null,
      in_stock: toggles.in_stock.checked ? "true" : null,
      diversity: toggles.diversity.checked ? "0.5" : null,
      color_weight: turned ? weight.value : null,
    }, { signal })),
    render: (result) => card(result.product, { score: result.score, why: () => openWhy(product, shown, result, turned ? weight.value : null) }),
    empty: "Nothing else in the shop looks like it under these filters.",
  });
}

/** The dial is there where an answer says how much colour counted. */
function showDial(answer) {
  const used = answer.query.color_weight;
  dial.classList.toggle("unknown", used === undefined);
  if (!turned && used !== undefined) {
    weight.value = used;
    saySetting();
  }
  return answer;
}

function saySetting() {
  const colour = Math.round(weight.value * 100);
  weight.setAttribute("aria-valuetext", `${100 - colour} % shape, ${colour} % colour`);
}

async function showColors() {
  try {
    const { colors } = await get(`products/${id}/colors/`);
    if (colors.length) ownColors.replaceChildren(make("span", { class: "sr" }, "Colours of this product"), swatches(colors));
  } catch {
    ownColors.replaceChildren(); // the page is whole without them
  }
}

async function start() {
  try {
    product = await get(`products/${id}/`);
  } catch (error) {
    page.setAttribute("aria-busy", "false");
    page.replaceChildren(failure(error, start));
    document.querySelector(".similar").hidden = true;
    return;
  }
  document.querySelector(".similar").hidden = false;
  toggles.category.disabled = !product.category;
  showProduct();
  showColors();
  if (product.images.length) similar();
  else fill(list, notice("No photo yet", "Similar items appear once this product has a photo."));
}

for (const toggle of Object.values(toggles)) toggle.addEventListener("change", () => similar());
weight.addEventListener("input", () => {
  turned = true;
  saySetting();
  clearTimeout(moving);
  moving = setTimeout(() => similar({ keep: true }), MOVING);
});
start();
