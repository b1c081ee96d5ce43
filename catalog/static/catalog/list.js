// A list of a page, asked for again by itself: what came takes its place, and whatever goes wrong is said in its place.

const SLOW = 4000; // milliseconds after which the shopper is told that it takes longer
const LATE = 20000; // after which we stop waiting
const MOST_REPEATS = 30;

/** How many items a list has, in words; "" of none. */
export function countOf(list) {
  const cards = list?.querySelectorAll(".card").length ?? 0;
  const words = document.getElementById("say-count").content.firstElementChild.dataset;
  if (!cards) return "";
  return cards === 1 ? words.one : words.many.replace("{count}", cards);
}

/** What the template of the page with that id holds. */
function notice(name) {
  return document.getElementById(`notice-${name}`).content.cloneNode(true);
}

function rested(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); }, { once: true });
  });
}

export class List {
  /**
   * `place`: the element that holds the list. `status`: the element in which screen readers hear what came, if any.
   * `after`: called with the new list, and with `null` while there is none.
   */
  constructor(place, { status = null, after = () => {} } = {}) {
    this.place = place;
    this.status = status;
    this.after = after;
    this.asking = null;
    place.addEventListener("click", (event) => {
      const link = event.target.closest("[data-again]");
      if (!link || !this.question) return;
      event.preventDefault();
      this.ask(this.question);
    });
  }

  /** `question()` gives the address and the options of a fetch. A newer question takes the place of an older one. */
  async ask(question) {
    this.stop();
    this.question = question;
    const asking = new AbortController();
    this.asking = asking;
    this.place.setAttribute("aria-busy", "true");
    try {
      for (let repeat = 0; repeat < MOST_REPEATS; repeat += 1) {
        const shown = await this.once(question, asking);
        const seconds = Number(shown?.dataset.againAfter ?? 0);
        if (!seconds) break;
        await rested(seconds * 1000, asking.signal);
      }
    } catch (error) {
      if (this.asking !== asking) return;
      this.say(error.name === "TimeoutError" ? "late" : error.name === "ServerError" ? "failed" : "dead");
    }
    if (this.asking === asking) this.place.setAttribute("aria-busy", "false");
  }

  stop() {
    this.asking?.abort(new DOMException("asked anew", "AbortError"));
    this.asking = null;
  }

  show(content) {
    this.place.replaceChildren(content);
    if (this.status) this.status.textContent = countOf(this.place) || (this.place.querySelector(".notice strong")?.textContent ?? "");
  }

  say(name) {
    this.show(notice(name));
    this.after(null);
  }

  async once(question, asking) {
    const waiting = new AbortController();
    const stop = () => waiting.abort(asking.signal.reason);
    asking.signal.addEventListener("abort", stop, { once: true });
    const slow = setTimeout(() => this.say("slow"), SLOW);
    const late = setTimeout(() => waiting.abort(new DOMException("too late", "TimeoutError")), LATE);
    try {
      const { url, ...options } = await question();
      const response = await fetch(url, { ...options, headers: { "X-Part": "list", Accept: "text/html" }, signal: waiting.signal });
      const text = await response.text();
      asking.signal.throwIfAborted();
      const list = new DOMParser().parseFromString(text, "text/html").querySelector("[data-list]");
      if (!list) throw Object.assign(new Error("no list"), { name: "ServerError" });
      this.show(list);
      this.after(list);
      return list;
    } finally {
      clearTimeout(slow);
      clearTimeout(late);
      asking.signal.removeEventListener("abort", stop);
    }
  }
}
