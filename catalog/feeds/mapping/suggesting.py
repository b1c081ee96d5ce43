"""Writes a mapping file for a feed, to be corrected by a person: guesses by the names of columns and by what is in them."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence

from catalog.feeds.mapping.photos import is_photo_column, looks_like_photos, photo_columns
from catalog.feeds.mapping.recognising import recognised
from catalog.feeds.mapping.shop import Values, key_of
from catalog.feeds.rows import FeedRow
from catalog.texts import printable

# Names of columns in the languages of shops, without accents, in the order in which they are believed.
_NAMES: dict[str, str] = {
    "id": "id sku product_id productid item_id article_id artikelnummer artikelnr artikel_nr art_nr artnr item_number article_number "
    "reference ref referencia riferimento codigo codice code kod symbol varenummer artikelkod mpn ean gtin",
    "title": "title name product_name productname product_title item_name titel bezeichnung artikelbezeichnung produktname nom titre "
    "designation nombre titulo nome titolo naam productnaam nazwa nazwa_produktu namn navn produktnamn nimi nazev label",
    "description": "description body_html long_description product_description beschreibung langtext artikelbeschreibung descripcion "
    "descrizione descricao omschrijving opis beskrivning beskrivelse kuvaus popis short_description kurzbeschreibung text",
    "link": "link url product_url producturl deeplink deep_link product_link permalink href lien enlace adres_url produktlink",
    "sale_price": "sale_price special_price discount_price offer_price angebotspreis sonderpreis aktionspreis prix_promo prix_solde "
    "precio_oferta prezzo_scontato actieprijs cena_promocyjna kampanjpris",
    "price": "price regular_price preis vk_preis verkaufspreis bruttopreis prix prix_ttc precio prezzo preco prijs verkoopprijs cena "
    "cena_brutto pris hinta amount current_price",
    "currency": "currency currency_code wahrung waehrung devise moneda valuta waluta moeda",
    "availability": "availability stock_status available in_stock verfugbarkeit verfuegbarkeit lieferbar disponibilite disponibilidad "
    "disponibilita beschikbaarheid dostepnosc tillganglighet",
    "quantity": "quantity qty stock inventory stock_quantity lagerbestand bestand menge quantite existencias cantidad quantita giacenza "
    "voorraad ilosc stan stan_magazynowy lager antal",
    "brand": "brand manufacturer vendor marke hersteller marque fabricant marca fabricante produttore merk fabrikant marka producent "
    "varumarke maerke merke",
    "product_type": "product_type category categories category_path kategorie kategorien warengruppe produktgruppe categorie categoria "
    "categorias categorie_produit kategoria kategori rubrique",
    "google_product_category": "google_product_category google_category",
    "item_group_id": "item_group_id group_id parent_sku parent_id parent master_sku vatersku",
    "status": "status",
    "published": "published active aktiv visible",
}
_LETTERS = str.maketrans({"ł": "l", "ø": "o", "æ": "ae", "ß": "ss", "đ": "d"})
_PRICE = re.compile(r"(?:[A-Z]{3}|[€$£¥₹]|kr\.?|zł)?\s*\d[\d., ]*(?:\s*(?:[A-Z]{3}|[€$£¥₹]|kr\.?|zł))?")
_DECIMAL_OR_CURRENCY = re.compile(r"\d[.,]\d\d\b|[€$£¥₹]|[A-Z]{3}\b|kr\b|zł")
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_SHOWN = 60
_EXAMPLE_ROWS = 3


def suggestion(rows: Sequence[FeedRow]) -> str:
    """The text of a mapping file for a feed of which these are the first rows.

    Each rule is followed by a comment with values of its column; columns that no field takes follow as comments.
    """
    columns = columns_of(rows)
    lines = ["# Our field = the feed's column. Correct what is wrong, then import with --mapping FILE.", ""]
    if shop := recognised(columns):
        lines[1:1] = [f"# These are columns as {shop.name} exports them, which need no mapping file."]
    guessed = _guessed(columns)
    for field, names in guessed.items():
        written = toml_text(names[0]) if len(names) == 1 else f"[{', '.join(map(toml_text, names))}]"
        lines.append(f"{field} = {written}{_examples(columns[names[0]])}")
    lines.extend(f'# {field} = "…"  # needed, and not found' for field in ("id", "title") if field not in guessed)
    taken = {name for names in guessed.values() for name in names}
    others = [name for name in columns if name not in taken]
    if others:
        lines += [
            "",
            "# Other columns become attributes under their own names; a line here gives another.",
            "[attributes]",
        ]
        lines += [
            f"# {toml_text(key_of(name) or name)} = {toml_text(name)}{_examples(columns[name])}" for name in others
        ]
    return "\n".join(lines) + "\n"


def guesses(rows: Sequence[FeedRow]) -> Values:
    """The columns of each of our fields, as `suggestion` would write them."""
    return _guessed(columns_of(rows))


def columns_of(rows: Sequence[FeedRow]) -> Values:
    """Every column with its values that are not empty; a repeated name once."""
    columns: Values = {}
    for row in rows:
        for name, texts in row.values.items():
            columns.setdefault(name, []).extend(text.strip() for text in texts if text.strip())
    return columns


def _guessed(columns: Values) -> Values:
    """The columns of each field, by name first, then by what is in those that are left."""
    guessed: Values = {}
    keys = {name: _folded(name) for name in columns}

    def free() -> list[str]:
        taken = {name for names in guessed.values() for name in names}
        return [name for name in columns if name not in taken]

    photos = [name for name in photo_columns(list(columns)) if all(map(looks_like_photos, columns[name]))]
    if photos:
        guessed["image_link"] = photos
    for field, known in _NAMES.items():
        for believed in known.split():
            if match := next((name for name in free() if keys[name] == believed), ""):
                guessed[field] = [match]
                break
    kinds: dict[str, Callable[[list[str]], bool]] = {"image_link": _are_photos, "price": _are_prices, "link": _are_urls}
    for field, holds in kinds.items():
        if field not in guessed:
            found = [
                name for name in free() if columns[name] and holds(columns[name]) and not is_photo_column(keys[name])
            ]
            if found:
                guessed[field] = found if field == "image_link" else found[:1]
    if "id" not in guessed and (unique := [name for name in free() if _are_ids(columns[name])]):
        guessed["id"] = unique[:1]
    if "title" not in guessed and (texts := [name for name in free() if _are_titles(columns[name])]):
        guessed["title"] = texts[:1]
    order = ["id", "title", "description", "link", "image_link", "price", *_NAMES]
    return {field: guessed[field] for field in dict.fromkeys(order) if field in guessed}


def _folded(name: str) -> str:
    """`Verfügbarkeit` → `verfugbarkeit`."""
    letters = unicodedata.normalize("NFD", key_of(name).translate(_LETTERS))
    return re.sub(r"[^a-z0-9]+", "_", "".join(c for c in letters if not unicodedata.combining(c))).strip("_")


def _are_photos(texts: list[str]) -> bool:
    return all(
        re.search(r"\.(?:jpe?g|png|webp|gif|tiff?|avif|hei[cf])\b", text, re.IGNORECASE) for text in texts
    ) and all(map(looks_like_photos, texts))


def _are_prices(texts: list[str]) -> bool:
    return all(len(text) < _SHOWN and _PRICE.fullmatch(text) for text in texts) and any(
        map(_DECIMAL_OR_CURRENCY.search, texts)
    )


def _are_urls(texts: list[str]) -> bool:
    return all(map(_URL.fullmatch, texts))


def _are_ids(texts: list[str]) -> bool:
    return len(set(texts)) == len(texts) > 0 and all(
        len(text) <= 40 and not re.search(r"\s|://", text) for text in texts
    )


def _are_titles(texts: list[str]) -> bool:
    return (
        bool(texts) and all(len(text) <= 200 for text in texts) and sum(" " in text for text in texts) * 2 >= len(texts)
    )


def _examples(texts: list[str]) -> str:
    shown = ", ".join(" ".join(printable(text).split())[:_SHOWN] for text in dict.fromkeys(texts[:_EXAMPLE_ROWS]))
    return f"  # {''.join(c for c in shown if c.isprintable())}" if shown else ""


def toml_text(text: str) -> str:
    """A text in quotes; JSON's escapes are TOML's, but for DEL."""
    return json.dumps(printable(text), ensure_ascii=False).replace("\x7f", "\\u007F")
