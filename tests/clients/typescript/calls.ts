// Every operation of the API, called with openapi-fetch and the types that openapi-typescript generates into api.d.ts:
//     node calls.ts URL PUBLISHABLE_KEY PHOTO PRODUCT OTHER
// It prints {"GET /path/{parameter}/": status} of the good answers as JSON.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

const [url, key, photo, product, other] = process.argv.slice(2) as [string, string, string, string, string];
const client = createClient<paths>({
  baseUrl: url,
  headers: { "X-Api-Key": key },
  querySerializer: { object: { style: "form", explode: true } },
});
const told: Record<string, number> = {};
client.use({
  onResponse({ request, response, schemaPath }) {
    if (response.ok) told[`${request.method} ${schemaPath}`] = response.status;
  },
});

/** The body of a good answer. */
function good<Body>(answer: { data?: Body; error?: unknown; response: Response }): Body {
  assert.ok(answer.data, `${answer.response.url}: ${JSON.stringify(answer.error)}`);
  return answer.data;
}

async function catalogue(): Promise<void> {
  const tree = good(await client.GET("/api/v1/categories/"));
  const slug = tree.results[0]!.slug;
  const query = { category: [slug], brand: ["no such brand"], attributes: { "attr.colour": "red" }, page_size: 2 };
  const none = await client.GET("/api/v1/products/", { params: { query } });
  assert.equal(none.data?.count, 0);
  const page = good(await client.GET("/api/v1/products/", { params: { query: { category: [slug, slug], sort: "-price", facets: ["brand", "price"] } } }),
  );
  const found: components["schemas"]["Product"] = page.results[0]!;
  assert.ok(page.facets?.["brand"]?.values);
  const path = { product: `sku:${found.sku}` };
  const first = await client.GET("/api/v1/products/{product}/", { params: { path } });
  assert.equal(good(first).id, found.id);
  const header = { "If-None-Match": first.response.headers.get("ETag") ?? "" };
  const again = await client.GET("/api/v1/products/{product}/", { params: { path, header } });
  assert.equal(again.response.status, 304);
  const missing = await client.GET("/api/v1/products/{product}/", { params: { path: { product: "999999999999" } } });
  assert.equal(missing.error?.type, "/problems/not-found/");
}

async function search(): Promise<void> {
  const path = { product };
  const similar = good(await client.GET("/api/v1/products/{product}/similar/", { params: { path, query: { limit: 3, fields: ["id", "score"] } } }),
  );
  assert.equal(similar.results.length, 3);
  assert.equal(similar.status, "ready");
  const why = await client.GET("/api/v1/products/{product}/similar/{other}/why/", { params: { path: { product, other } } });
  assert.match(good(why).query.overlay, /^data:image\/png/);
  good(await client.GET("/api/v1/products/{product}/duplicates/", { params: { path, query: { threshold: 0.9 } } }));
  const colors = good(await client.GET("/api/v1/products/{product}/colors/", { params: { path } }));
  const hex = colors.colors.map((color) => color.hex).join(",");
  good(await client.GET("/api/v1/search/color/", { params: { query: { hex, limit: 5 } } }));
  const category = (await client.GET("/api/v1/categories/")).data!.results.map((node) => node.slug);
  const recommended = good(await client.POST("/api/v1/recommendations/", {
      body: { positive: [Number(product), Number(other)], category, limit: 4, exclude: [Number(product)] },
    }),
  );
  assert.equal(recommended.results.length, 4);
  const red = await client.POST("/api/v1/recommendations/", {
    body: { positive: [Number(product)], attributes: { colour: ["no such colour"] } },
  });
  assert.deepEqual(red.data?.results, []);
  const batch = await client.POST("/api/v1/similar/batch/", { body: { products: [Number(product), 999999999999], in_stock: true } });
  assert.deepEqual(good(batch).unknown, [999999999999]);
}

async function searchByPhoto(): Promise<void> {
  const file = new Blob([await readFile(photo)], { type: "image/jpeg" });
  const found = await client.POST("/api/v1/search/image/", {
    params: { query: { limit: 2 } },
    body: { image: "" }, // a file of a form has no type in OpenAPI but text; what is sent is made below
    bodySerializer: () => {
      const form = new FormData();
      form.append("image", file, "photo.jpg");
      return form;
    },
  });
  assert.equal(good(found).results.length, 2);
  const refused = await client.POST("/api/v1/search/image/", { body: { image_url: "http://127.0.0.1/a.jpg" } });
  assert.equal(refused.error?.parameter, "image_url");
}

async function service(): Promise<void> {
  const status = await client.GET("/api/v1/status/");
  assert.ok(good(status).space);
}

for (const calls of [catalogue, search, searchByPhoto, service]) await calls();
console.log(JSON.stringify(told));
