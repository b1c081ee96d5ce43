// Sends files one request each, a few at a time, each with its progress and its outcome.

const AT_A_TIME = 2;

/** POST of form fields with the admin's CSRF token. Resolves to the JSON of the answer; rejects with an Error to be shown. */
export function send(url, fields, progress = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    for (const [name, value] of Object.entries(fields)) body.append(name, value);
    request.open("POST", url);
    request.setRequestHeader("X-CSRFToken", document.querySelector("[name=csrfmiddlewaretoken]").value);
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => progress(event.loaded / event.total));
    request.addEventListener("load", () => {
      let answer = null;
      try { answer = JSON.parse(request.responseText); } catch { /* an error page */ }
      if (request.status < 300 && answer) resolve(answer);
      else if (answer?.error) reject(new Error(answer.error));
      else if (request.status === 413) reject(new Error("The file is too large to be sent."));
      else if (request.status === 403 || request.status === 0 || request.responseURL.includes("/login/")) reject(new Error("You may not do this, or are no longer signed in."));
      else reject(Object.assign(new Error("The server could not take it now."), { again: true }));
    });
    request.addEventListener("error", () => reject(Object.assign(new Error("The connection broke."), { again: true })));
    request.send(body);
  });
}

const waiting = [];
let busy = 0;

/** Runs `task` as soon as fewer than AT_A_TIME run. */
export function inTurn(task) {
  waiting.push(task);
  next();
}

async function next() {
  if (busy >= AT_A_TIME || !waiting.length) return;
  busy += 1;
  try { await waiting.shift()(); } finally { busy -= 1; next(); }
}

/** A line for a file in `list`: its name, a bar, and what became of it. */
export function outcome(list, name) {
  const line = document.createElement("li");
  const label = document.createElement("span");
  label.className = "desk-outcome-name";
  label.textContent = name;
  const bar = document.createElement("progress");
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute("aria-label", `${name}: sent`);
  const said = document.createElement("span");
  said.className = "desk-outcome-said";
  said.textContent = "waits";
  line.append(label, bar, said);
  list.append(line);
  return {
    line,
    progress(share) {
      if (share < 1) { bar.value = share; said.textContent = `${Math.round(100 * share)} %`; }
      else { bar.removeAttribute("value"); said.textContent = "is looked at"; }
    },
    done(kind, text, html = []) {
      bar.remove();
      line.className = `is-${kind}`;
      said.textContent = text;
      for (const one of html) {
        const note = document.createElement("span");
        note.className = `desk-outcome-told is-${one.level}`;
        note.innerHTML = one.html;
        line.append(note);
      }
    },
    again(text, run) {
      this.done("failed", text);
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = "Try again";
      button.addEventListener("click", () => { line.remove(); run(); });
      line.append(button);
    },
  };
}
