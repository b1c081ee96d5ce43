// Every operation of the API, called with openapi-fetch and the types that openapi-typescript generates into api.d.ts:
//     node calls.ts URL PUBLISHABLE_KEY SECRET_KEY FOLDER_OF_PHOTOS PRODUCT OTHER
// It prints {"GET /path/{parameter}/": status} of the good answers as JSON.

import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./api.d.ts";

const [url, publishable, secret, folder, product, other] = process.argv.slice(2) as [string, string, string, string, string, string];
const options = { baseUrl: url, querySerializer: { object: { style: "form", explode: true } } } as const;
const client = createClient<paths>({ ...options, headers: { "X-Api-Key": publishable } });
const writer = createClient<paths>({ ...options, headers: { Authorization: `Bearer ${secret}` } });
const told: Record<string, number> = {};
const noting: Middleware = {
  onResponse({ request, response, schemaPath }) {
    if (response.ok) told[`${request.method} ${schemaPath}`] = response.status;
  },
};
client.use(noting);
writer.use(noting);

/** A form with the photo of this place in the folder. What OpenAPI calls a file has no type but text, so a form is made by hand. */
async function formOf(place: number): Promise<() => FormData> {
  const name = (await readdir(folder)).sort()[place]!;
  const form = new FormData();
  form.append("image", new Blob([await readFile(`${folder}/${name}`)]), name);
  return () => form;
}

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
  const found = await client.POST("/api/v1/search/image/", {
    params: { query: { limit: 2 } },
    body: { image: "" },
    bodySerializer: await formOf(0),
  });
  assert.equal(good(found).results.length, 2);
  const refused = await client.POST("/api/v1/search/image/", { body: { image_url: "http://127.0.0.1/a.jpg" } });
  assert.equal(refused.error?.parameter, "image_url");
}

async function write(): Promise<void> {
  const made = await writer.POST("/api/v1/products/", {
    body: { sku: "NEW-2", title: "A new coat", price: "120.00", currency: "EUR", attributes: { colour: ["red", "blue"] } },
  });
  assert.equal(good(made).price, "120.00");
  const path = { product: "sku:NEW-2" };
  const header = { "If-Match": made.response.headers.get("ETag") ?? "" };
  const body = { price: "99.50", in_stock: false };
  good(await writer.PATCH("/api/v1/products/{product}/", { params: { path, header }, body }));
  const stale = await writer.PATCH("/api/v1/products/{product}/", { params: { path, header }, body });
  assert.equal(stale.error?.type, "/problems/precondition-failed/");
  const whole = await writer.PUT("/api/v1/products/{product}/", { params: { path }, body: { title: "A coat" } });
  assert.equal(good(whole).price, null);
  await writePhotos(path);
  const batch = await writer.POST("/api/v1/products/batch/", {
    body: { items: [{ op: "patch", sku: "NEW-2", brand: "Coats" }, { op: "patch", sku: "NO-SUCH-SKU", brand: "Coats" }] },
  });
  assert.deepEqual(good(batch).results.map((one) => one.status), [200, 404]);
  await writer.DELETE("/api/v1/products/{product}/", { params: { path } });
  const refused = await client.POST("/api/v1/products/", { body: { sku: "NEW-3", title: "A coat" } });
  assert.equal(refused.error?.status, 403);
}

async function writePhotos(path: { product: string }): Promise<void> {
  const added = await writer.POST("/api/v1/products/{product}/images/", {
    params: { path },
    body: { image: [""] },
    bodySerializer: await formOf(0),
  });
  const image = good(added).results[0]!.image!.id;
  const one = { params: { path: { ...path, image } } };
  good(await writer.PATCH("/api/v1/products/{product}/images/{image}/", { ...one, body: { alt: "Coat" } }));
  const file = { body: { image: "" }, bodySerializer: await formOf(1) };
  const replaced = good(await writer.PUT("/api/v1/products/{product}/images/{image}/", { ...one, ...file }));
  const every = good(
    await writer.PUT("/api/v1/products/{product}/images/", { params: { path }, body: { images: [{ id: replaced.id }] } }),
  );
  const left = { path: { ...path, image: every.images[0]!.id } };
  await writer.DELETE("/api/v1/products/{product}/images/{image}/", { params: left });
}

async function service(): Promise<void> {
  const status = await client.GET("/api/v1/status/");
  assert.ok(good(status).space);
}

for (const calls of [catalogue, search, searchByPhoto, write, service]) await calls();
console.log(JSON.stringify(told));
