// The list of products: words, category, stock and page live in the address, so that it can be kept and gone back to.

import { get } from "./api.js";
import { card, failure, fill, make, notice, skeletons } from "./parts.js";

const list = document.getElementById("products");
const title = document.getElementById("title");
const count = document.getElementById("count");
const pages = document.getElementById("pages");
const tree = document.getElementById("categories");
const inStock = document.getElementById("in-stock");
const words = document.querySelector(".search input");
const form = document.querySelector(".search");

let categories = [];
let pending = null;

function wanted() {
  const query = new URLSearchParams(location.search);
  return { search: query.get("search") || "", category: query.get("category") || "", page: Number(query.get("page")) || 1,
    in_stock: query.get("in_stock") === "true" };
}

function address(changes) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...wanted(), page: 1, ...changes })) {
    if (value && !(name === "page" && value === 1)) query.set(name, value);
  }
  const text = query.toString();
  return text ? `/?${text}` : "/";
}

function go(changes) {
  history.pushState(null, "", address(changes));
  show();
}

function link(changes, attributes, ...children) {
  return make("a", { href: address(changes), ...attributes, onclick: (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    go(changes);
    window.scrollTo({ top: 0 });
  } }, ...children);
}

async function show() {
  const asked = wanted();
  words.value = asked.search;
  inStock.checked = asked.in_stock;
  showCategories(asked.category);
  pending?.abort();
  pending = new AbortController();
  skeletons(list);
  try {
    const answer = await get("products/", asked, pending);
    showProducts(answer, asked);
  } catch (error) {
    if (error.name === "AbortError") return;
    count.textContent = "";
    pages.replaceChildren();
    fill(list, failure(error, show));
  }
}

function showProducts(answer, asked) {
  const name = categories.find((node) => node.slug === asked.category)?.name;
  title.textContent = asked.search ? `“${asked.search}”` : name || "Products";
  document.title = `${title.textContent} · Lookalike`;
  count.textContent = `${answer.count.toLocaleString()} ${answer.count === 1 ? "item" : "items"}`;
  if (answer.results.length === 0) {
    const narrowed = asked.search || asked.category || asked.in_stock;
    const action = narrowed ? { label: "Show everything", run: () => go({ search: "", category: "", in_stock: false }) } : null;
    fill(list, notice("Nothing here", narrowed ? "No product matches. Try fewer words or another category." : "The shop has no products yet: import a feed.", { action }));
  } else {
    fill(list, ...answer.results.map((product, index) => card(product, { eager: index < 6 })));
  }
  const last = Math.max(1, Math.ceil(answer.count / 24));
  pages.replaceChildren(...(last === 1 ? [] : [
    answer.previous ? link({ page: asked.page - 1 }, { class: "button quiet", rel: "prev" }, "← Previous") : null,
    make("span", { class: "muted" }, `Page ${asked.page} of ${last.toLocaleString()}`),
    answer.next ? link({ page: asked.page + 1 }, { class: "button quiet", rel: "next" }, "Next →") : null,
  ].filter(Boolean)));
}

function showCategories(current) {
  const node = ({ slug, name, depth, products }) => make("li", { style: `--depth: ${depth - 1}` },
    link({ category: slug, search: "" }, { "aria-current": slug === current ? "page" : null }, name,
      products === undefined ? null : make("span", { class: "number" }, products.toLocaleString())));
  tree.replaceChildren(node({ slug: "", name: "All products", depth: 1 }), ...categories.filter((each) => each.products > 0).map(node));
  const chosen = tree.querySelector("[aria-current]");
  if (chosen) tree.parentElement.scrollLeft = chosen.offsetLeft - tree.parentElement.clientWidth / 3; // a row of chips on small screens
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  go({ search: words.value.trim() });
});
inStock.addEventListener("change", () => go({ in_stock: inStock.checked }));
window.addEventListener("popstate", show);

show();
try {
  categories = (await get("categories/")).results;
  showCategories(wanted().category);
  const name = categories.find((node) => node.slug === wanted().category)?.name;
  if (name && !wanted().search) title.textContent = name;
} catch {
  tree.replaceChildren(make("li", {}, make("a", { href: "/" }, "All products")));
}
