// Shows how far an errand is, and loads the page anew when it is over.
const shown = document.querySelector("[data-errand]");

async function look() {
  try {
    const response = await fetch(shown.dataset.errand, { headers: { Accept: "application/json" } });
    if (response.ok) {
      const state = await response.json();
      if (state.over) {
        location.reload();
        return;
      }
      shown.querySelector("[data-errand-said]").textContent = state.said;
      shown.querySelector("progress").value = state.share;
    }
  } catch {
    // The server is away for a moment: it is asked again.
  }
  setTimeout(look, 1000);
}

if (shown) setTimeout(look, 500);
