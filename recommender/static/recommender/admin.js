// While a photo is being embedded, the product page asks every second how far it is, for at most two minutes.
document.addEventListener("DOMContentLoaded", () => {
  const section = document.getElementById("similar-items");
  if (!section || section.dataset.pending !== "pending") return;
  let asked = 0;
  const ask = async () => {
    const answer = await fetch(section.dataset.refresh, { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer && answer.ok) {
      const { pending, similar, states } = await answer.json();
      section.innerHTML = similar;
      for (const [image, state] of Object.entries(states)) {
        const place = document.querySelector(`[data-embedding="${image}"]`);
        if (place) place.innerHTML = state;
      }
      if (!pending) return;
    }
    if (++asked < 120) setTimeout(ask, 1000);
  };
  setTimeout(ask, 1000);
});
