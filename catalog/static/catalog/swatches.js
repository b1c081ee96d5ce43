// Colours to see, each a link to the products that have it.

import { make } from "./parts.js";

/** A list of `{hex, share}`, `share` from 0 to 1 where it is known. */
export function swatches(colors) {
  return make("ul", { class: "swatch-list" }, ...colors.map(({ hex, share }) => {
    const part = share === undefined ? "" : `, ${Math.round(share * 100)} %`;
    const link = make("a", { class: "swatch", href: `/colors/?hex=${hex}`, title: `#${hex}${part}`, "aria-label": `Search by the colour #${hex}` });
    link.style.backgroundColor = `#${hex}`;
    return make("li", {}, link);
  }));
}
