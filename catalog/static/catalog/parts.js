// What several pages show: elements, product cards, states of a list.

/** make("a", {href: "/"}, "text", child): texts are texts, never HTML. */
export function make(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export function price(product, amount = product.price) {
  if (amount === null || amount === undefined) return "";
  if (!product.currency) return amount;
  try {
    return new Intl.NumberFormat(undefined, { style: "currency", currency: product.currency }).format(amount);
  } catch {
    return `${amount} ${product.currency}`;
  }
}

/** What a product cost before its sale, struck through; nothing where there is none. */
export function listPrice(product) {
  if (!product.list_price) return null;
  return make("s", { class: "list-price" }, make("span", { class: "sr" }, "Before: "), price(product, product.list_price));
}

/** A photo in a square of fixed size, so that nothing moves when it arrives. */
export function photo(image, alt, { eager = false } = {}) {
  if (!image) return make("div", { class: "picture missing", role: "img", "aria-label": "No photo" }, "No photo yet");
  const element = make("img", {
    src: image.thumbnail, alt, width: image.width, height: image.height,
    loading: eager ? "eager" : "lazy", decoding: "async",
  });
  const frame = make("div", { class: "picture" }, element);
  element.addEventListener("error", () => {
    frame.classList.add("missing");
    frame.replaceChildren("Photo cannot be shown");
  });
  return frame;
}

/** `score` and `why` only among similar items. */
export function card(product, { image, score = null, why = null, eager = false } = {}) {
  const shown = image ?? product.image ?? product.images?.[0] ?? null;
  const badge = score === null ? null
    : make("span", { class: "score", title: `Score ${score.toFixed(4)}` }, score.toFixed(2), make("span", { class: "sr" }, " alike"));
  return make("article", { class: "card", "data-product": product.id },
    make("a", { href: `/products/${product.id}/`, class: "card-link" },
      photo(shown, shown?.alt || product.title, { eager }),
      make("h3", {}, product.title),
      make("p", { class: "muted small brand-line" }, product.brand || "\u00a0"),
      make("p", { class: "card-price" }, make("strong", {}, price(product)), listPrice(product),
        product.in_stock === false ? make("span", { class: "out" }, "Out of stock") : null)),
    badge,
    why ? make("button", { type: "button", class: "why-button", onclick: why, "aria-label": `Why is ${product.title} similar?` }, "Why?") : null);
}

export function skeletons(list, number = 12) {
  list.setAttribute("aria-busy", "true");
  list.replaceChildren(...Array.from({ length: number }, () =>
    make("div", { class: "card", "aria-hidden": "true" },
      make("div", { class: "picture skeleton" }), make("div", { class: "skeleton line wide" }), make("div", { class: "skeleton line" }))));
}

export function fill(list, ...children) {
  list.setAttribute("aria-busy", "false");
  list.replaceChildren(...children);
}

/** A quiet box in place of a list: nothing found, still waiting, failed. */
export function notice(title, text, { busy = false, action = null } = {}) {
  return make("div", { class: "notice" },
    busy ? make("span", { class: "spinner", "aria-hidden": "true" }) : null,
    make("p", {}, make("strong", {}, title)), text ? make("p", { class: "muted" }, text) : null,
    action ? make("button", { type: "button", class: "button", onclick: action.run }, action.label) : null);
}

export function failure(error, again) {
  return notice(error.status === 404 ? "Not found" : "That did not work", error.message,
    { action: error.status === 404 ? null : { label: "Try again", run: again } });
}
