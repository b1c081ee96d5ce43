// A product's page while it is open: the states of its photos, what is asked of one, and similar items by a shopper's filters.

const panel = document.getElementById("similar-items");
if (panel) begin();

function begin() {
  const results = panel.querySelector("[data-results]");
  const form = panel.querySelector("form[data-filters]");
  let asked = 0;
  let timer = null;
  let latest = 0;

  const query = () => {
    const chosen = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value !== "" && !(name === "color_weight" && !form.dataset.turned)) chosen.append(name, value);
    return chosen;
  };

  async function refresh() {
    const number = ++latest;
    results.setAttribute("aria-busy", "true");
    const answer = await fetch(`${panel.dataset.refresh}?${query()}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (number !== latest) return null;
    results.setAttribute("aria-busy", "false");
    if (!answer?.ok) return null;
    const told = await answer.json();
    results.innerHTML = told.similar;
    for (const [image, state] of Object.entries(told.states)) {
      const place = document.querySelector(`[data-embedding="${image}"]`);
      if (place) place.innerHTML = state;
    }
    for (const [image, address] of Object.entries(told.thumbnails)) fetched(image, address);
    return told.pending;
  }

  // While a photo is on its way, every second, for at most two minutes.
  async function watch() {
    clearTimeout(timer);
    const pending = await refresh();
    if (pending !== false && ++asked < 120) timer = setTimeout(watch, 1000);
  }
  const watchAnew = () => { asked = 0; return watch(); };
  if (panel.dataset.pending === "pending" || document.querySelector("[data-embedding] :is(.is-pending, .is-processing)")) timer = setTimeout(watch, 1000);
  document.addEventListener("desk:photos", watchAnew);

  function fetched(image, address) {
    const picture = document.querySelector(`[data-image="${image}"] .desk-photo-picture`);
    if (!picture || picture.querySelector("img")) return;
    const img = document.createElement("img");
    img.src = address;
    img.alt = "The photo that was fetched";
    picture.replaceChildren(img);
  }

  // Filters and dial
  form.addEventListener("submit", (event) => { event.preventDefault(); refresh(); });
  form.addEventListener("change", (event) => {
    if (event.target.name === "color_weight") form.dataset.turned = "true";
    refresh();
  });
  const dial = form.elements.color_weight;
  dial?.addEventListener("input", () => { form.querySelector("[data-weight]").textContent = `${dial.value} %`; });
  if (panel.dataset.turned) form.dataset.turned = "true";
  form.querySelector("[data-apply]").hidden = true;

  // What is asked of photos, and rules: without leaving the page, so that no edit is lost.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-ask]");
    if (!button) return;
    event.preventDefault();
    button.disabled = true;
    say(await post(button.dataset.ask, new FormData()));
    button.disabled = false;
    watchAnew();
  });
  panel.addEventListener("submit", async (event) => {
    if (!event.target.matches("form[data-rule]")) return;
    event.preventDefault();
    say(await post(event.target.action, new FormData(event.target, event.submitter)));
    await refresh();
    panel.querySelector("h2").focus();
  });

  async function post(url, body) {
    const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
    const answer = await fetch(url, { method: "POST", body, headers: { Accept: "application/json", "X-CSRFToken": token } }).catch(() => null);
    if (answer?.ok) return (await answer.json()).told;
    return [{ level: "error", html: answer?.status === 403 ? "You may not do this." : "The server could not do it now; try again." }];
  }

  const live = document.createElement("div");
  live.setAttribute("role", "status");
  document.getElementById("content").before(live);

  function say(told) {
    document.querySelector("ul.messagelist")?.remove();
    const list = document.createElement("ul");
    list.className = "messagelist desk-said";
    list.append(...told.map(({ level, html }) => {
      const item = document.createElement("li");
      item.className = level;
      item.innerHTML = html;
      return item;
    }));
    live.replaceChildren(list);
  }
}
