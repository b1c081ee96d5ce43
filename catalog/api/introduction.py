"""What the OpenAPI schema says as a whole, for a storefront's developer. Markdown, as Swagger UI and generators show it."""

INTRODUCTION = """\
Lookalike answers "what looks like this?" for a shop: which products look like this product, this photo, these colours, or like
several products together. It also answers with the catalogue itself: lists, words, filters, counts.

## The first call

`GET /api/v1/products/sku:CL-DRES-000/similar/?limit=6&in_stock=true` is a row "similar products" on a product's page. Wherever a
product stands, write its number or `sku:` and its SKU, percent-encoded in a path. `fields=id,url,title,price,image.thumbnail`
leaves out what the page does not show, which makes the answer many times smaller.

A product whose photo was added a moment ago answers with `status: pending` and no results: show nothing, and ask again later.

## Filters

The same everywhere: `category`, `brand`, `min_price`, `max_price`, `currency`, `in_stock`, `exclude`, and attributes. In a query
string an attribute is a parameter of its own, `attr.colour=red` or `attr.weight.min=2`; the schema has them as the object
`attributes` of form style, exploded, whose members are these names. A JSON body has `attributes: {"colour": ["red"],
"weight.min": 2}`. A client of openapi-fetch must be told the style, for it knows none:
`createClient({querySerializer: {object: {style: "form", explode: true}}})`. An unknown parameter is refused with 400, so that a
misspelt one is not passed over; those by which campaigns are tracked, such as `utm_source` and `gclid`, are ignored.

## Keys

A shop may let everybody ask, or ask for keys. Send one as `Authorization: Bearer lk_…`. A *publishable* key (`lk_pub_…`) may stand
in a page; it reads, and may be limited to the origins of the shop's pages. It may be sent as `X-Api-Key`, too. A *secret* key
(`lk_sec_…`) writes, and stays on a server.

## Errors

Every error is `application/problem+json` (RFC 9457): `status`, `title`, a `detail` for people, and the `type`, whose URL is a page
that says what to do; [all of them](/problems/). `parameter` names what was bad. Decide by `status`, not by words.

## Limits

Where requests are counted, each answer has `RateLimit` and `RateLimit-Policy`; what is too much is 429 with `Retry-After` in
seconds. Dear requests, such as those with a photo or with `exact`, count for several. 503 has `Retry-After`, too: the request was
not begun, and may be sent again.

## Caching

Answers are `private, no-cache` with an `ETag`: send it as `If-None-Match`, and 304 says that nothing has changed, whatever
`took_ms` was. Photos, thumbnails, the category tree and this schema are public and may be kept as long as they say.
"""

TAGS = {
    "search": "What looks like a product, several products, a photo or colours.",
    "catalogue": "Published products and categories.",
    "writes": "Products and their photos, created, changed and deleted with a secret key.",
    "service": "How the service is, for those who run it.",
}
