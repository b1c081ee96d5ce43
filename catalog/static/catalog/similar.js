// Answers of the similarity API in a list: ready, pending (asked again until it is ready), failed, empty.

import { failure, fill, notice } from "./parts.js";

const WAITS = [700, 1000, 1500, 2500, 4000]; // milliseconds; the last one repeats
const GIVE_UP = 40;

/** `ask(signal)` gets an answer, `render(result)` makes a card of one of its results. */
export async function showSimilar({ list, facts, ask, render, empty, again, signal }) {
  for (let attempt = 0; attempt < GIVE_UP; attempt += 1) {
    let wait = WAITS[Math.min(attempt, WAITS.length - 1)];
    try {
      const answer = await ask(signal);
      if (answer.status === "ready") {
        ready(list, facts, answer, render, empty);
        return;
      }
      if (answer.status === "failed") {
        fill(list, notice("This photo could not be looked at", answer.detail || answer.error || "It is no readable picture; another photo will do."));
        return;
      }
      fill(list, notice("Still being looked at", "The photo is new. Similar items appear here in a moment.", { busy: true }));
    } catch (error) {
      if (error.name === "AbortError") return;
      if (error.status !== 503) {
        fill(list, failure(error, again));
        return;
      }
      wait = (error.retryAfter ?? 2) * 1000;
      fill(list, notice("One moment", "The search is busy; asking again.", { busy: true }));
    }
    if (!(await rested(wait, signal))) return;
  }
  fill(list, notice("Still being looked at", "It takes longer than usual.", { action: { label: "Ask again", run: again } }));
}

function ready(list, facts, answer, render, empty) {
  if (answer.results.length === 0) {
    fill(list, notice("Nothing similar", empty));
    return;
  }
  const took = typeof answer.took_ms === "number" ? `${answer.took_ms.toFixed(answer.took_ms < 10 ? 1 : 0)} ms` : "";
  const fallback = answer.fallback ? "filled from the same category" : "";
  facts.textContent = [`${answer.results.length} items`, took, fallback].filter(Boolean).join(" · ");
  fill(list, ...answer.results.map(render));
}

/** False when it was called off meanwhile. */
function rested(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(true), milliseconds);
    signal?.addEventListener("abort", () => { clearTimeout(timer); resolve(false); }, { once: true });
  });
}
