// Search by colours: they stand in the address as `hex`, as the API takes them.

import { get } from "./api.js";
import { card, fill, notice, skeletons } from "./parts.js";
import { showSimilar } from "./similar.js";
import { swatches } from "./swatches.js";

const list = document.getElementById("results");
const facts = document.getElementById("color-facts");
const shown = document.getElementById("colors");
const picker = document.getElementById("color");

let pending = null;

async function show() {
  const hex = new URLSearchParams(location.search).getAll("hex").join(",");
  pending?.abort();
  pending = new AbortController();
  facts.textContent = "";
  shown.replaceChildren();
  if (!hex) {
    fill(list, notice("No colour yet", "Choose one above."));
    return;
  }
  skeletons(list);
  await showSimilar({
    list, facts, signal: pending.signal, again: show,
    ask: async (signal) => {
      const answer = await get("search/color/", { hex, limit: 24 }, { signal });
      shown.replaceChildren(swatches(answer.query.hex.map((each) => ({ hex: each }))));
      picker.value = `#${answer.query.hex[0]}`;
      return answer;
    },
    render: (result) => card(result.product, { score: result.score }),
    empty: "Nothing in the shop has these colours.",
  });
}

picker.addEventListener("change", () => {
  history.pushState(null, "", `/colors/?hex=${picker.value.slice(1)}`);
  show();
});
document.getElementById("color-form").addEventListener("submit", (event) => event.preventDefault());
window.addEventListener("popstate", show);
show();
