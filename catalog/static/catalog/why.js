// "Why?": the regions of two photos that make them alike, laid over the photos.

import { get } from "./api.js";
import { failure, fill, make, notice } from "./parts.js";

const dialog = document.getElementById("why");
const content = document.getElementById("why-content");

export async function openWhy(product, queryImage, result, colorWeight = null) {
  if (!dialog.open) dialog.showModal();
  fill(content, notice("Looking closely", "", { busy: true }));
  try {
    const answer = await get(`products/${product.id}/similar/${result.product.id}/why/`, { image: queryImage?.id, other_image: result.image, color_weight: colorWeight });
    const pair = make("div", { class: "why-pair" },
      side(answer.query, product, product.images), side(answer.result, result.product, [result.product.image]));
    const toggle = make("label", { class: "check" }, make("input", { type: "checkbox", checked: true,
      onchange: (event) => pair.classList.toggle("plain", !event.target.checked) }), "Show what matches");
    fill(content, pair, make("div", { class: "why-facts" }, toggle,
      make("p", { class: "muted" }, `Warm regions speak for the match. ${sum(answer)}`)));
  } catch (error) {
    fill(content, failure(error, () => openWhy(product, queryImage, result, colorWeight)));
  }
}

function sum({ pair_score: pair, score, scores }) {
  if (scores.color === null) return `They add up to ${pair.toFixed(3)}, the cosine of the two photos.`;
  return `They add up to ${score.toFixed(3)}, of a shape that is ${scores.shape.toFixed(3)} alike and colours that are ${scores.color.toFixed(3)} alike.`;
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
