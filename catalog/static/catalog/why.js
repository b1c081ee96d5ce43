// "Why?": the regions of two photos that make them alike, laid over the photos.

import { get } from "./api.js";
import { failure, fill, make, notice } from "./parts.js";

const dialog = document.getElementById("why");
const content = document.getElementById("why-content");

export async function openWhy(product, queryImage, result) {
  if (!dialog.open) dialog.showModal();
  fill(content, notice("Looking closely", "", { busy: true }));
  try {
    const answer = await get(`products/${product.id}/similar/${result.product.id}/why/`, { image: queryImage?.id, other_image: result.image });
    const pair = make("div", { class: "why-pair" },
      side(answer.query, product, product.images), side(answer.result, result.product, [result.product.image]));
    const toggle = make("label", { class: "check" }, make("input", { type: "checkbox", checked: true,
      onchange: (event) => pair.classList.toggle("plain", !event.target.checked) }), "Show what matches");
    fill(content, pair, make("div", { class: "why-facts" }, toggle,
      make("p", { class: "muted" }, `Warm regions speak for the match. They add up to ${answer.pair_score.toFixed(3)}, the cosine of the two photos.`)));
  } catch (error) {
    fill(content, failure(error, () => openWhy(product, queryImage, result)));
  }
}

function side(half, product, images) {
  const given = typeof half.image === "object" ? half.image : images.find((image) => image?.id === half.image);
  const image = given ?? images.find(Boolean);
  return make("figure", {},
    make("div", { class: "overlaid", style: `aspect-ratio: ${image.width} / ${image.height}` },
      make("img", { src: image.url, alt: product.title, width: image.width, height: image.height }),
      make("img", { src: half.overlay, alt: "", class: "overlay" })),
    make("figcaption", {}, product.title));
}
