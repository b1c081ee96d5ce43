// The public API, and nothing else, is where pages get their data.

const ROOT = "/api/v1/";

/** A problem-details answer (RFC 9457), or no answer at all (status 0). */
export class ApiProblem extends Error {
  constructor(status, detail, retryAfter = null) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export async function get(path, parameters = {}, { signal } = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== "" && value !== null && value !== undefined && value !== false) query.append(name, value);
  }
  const text = query.toString();
  return answer(`${ROOT}${path}${text ? `?${text}` : ""}`, { signal });
}

export async function post(path, body, { signal } = {}) {
  return answer(`${ROOT}${path}`, { method: "POST", body, signal });
}

async function answer(url, options) {
  let response;
  try {
    response = await ask(url, options);
    if (response.status === 401) {
      // Where the API wants keys it knows pages of the shop by a cookie of a day: a page that is open longer gets another.
      await fetch(location.href, { cache: "no-store", signal: options.signal });
      response = await ask(url, options);
    }
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiProblem(0, "The shop cannot be reached. Is the network there?");
  }
  if (response.ok) return response.json();
  const problem = await response.json().catch(() => ({}));
  const wait = Number(response.headers.get("Retry-After")) || null;
  throw new ApiProblem(response.status, problem.detail || problem.title || `The server answered ${response.status}.`, wait);
}

function ask(url, options) {
  return fetch(url, { headers: { Accept: "application/json" }, ...options });
}
