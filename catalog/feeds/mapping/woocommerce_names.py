"""The headers of WooCommerce's CSV export, which it writes in the language of the shop's administrator.

Each line holds what one column is called in German, French, Spanish, Italian and Dutch, as its translations have had it over
the years; `#` stands for the number of an attribute. Names are compared without case, accents, apostrophes and signs.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from catalog.feeds.names import column_key

_TRANSLATED = {
    "type": "Typ; Tipo; Produkttyp",
    "sku": "Artikelnummer; Artikelnummer (SKU); Art.-Nr.; UGS; Référence; COD; Codice",
    "gtin,_upc,_ean,_or_isbn": "GTIN, UPC, EAN oder ISBN; GTIN, UPC, EAN ou ISBN; GTIN, UPC, EAN o ISBN; GTIN, UPC, EAN of ISBN",
    "name": "Nom; Nombre; Nome; Naam",
    "published": "Veröffentlicht; Publié; Publicado; Pubblicato; Gepubliceerd",
    "visibility_in_catalog": "Sichtbarkeit im Katalog; Katalogsichtbarkeit; Visibilité dans le catalogue; "
    "Visibilidad en el catálogo; Visibilità nel catalogo; Visibilità catalogo; Zichtbaarheid in catalogus; Zichtbaarheid in de catalogus",
    "short_description": "Kurzbeschreibung; Description courte; Descripción corta; Descripción breve; Breve descrizione; "
    "Descrizione breve; Korte beschrijving; Korte omschrijving",
    "description": "Beschreibung; Descripción; Descrizione; Beschrijving; Omschrijving",
    "date_sale_price_starts": "Datum, an dem Angebotspreis beginnt; Datum, an dem der Angebotspreis beginnt; Angebotspreis gültig ab; "
    "Startdatum des Angebotspreises; Date de début de promo; Date de début de la promo; Día en que empieza el precio rebajado; "
    "Data di inizio del prezzo in offerta; Data inizio prezzo in offerta; Data di inizio dell'offerta; Startdatum actieprijs",
    "date_sale_price_ends": "Datum, an dem Angebotspreis endet; Datum, an dem der Angebotspreis endet; Angebotspreis gültig bis; "
    "Enddatum des Angebotspreises; Date de fin de promo; Date de fin de la promo; Día en que termina el precio rebajado; "
    "Data di fine del prezzo in offerta; Data fine prezzo in offerta; Data di fine dell'offerta; Einddatum actieprijs",
    "in_stock?": "Vorrätig?; Auf Lager?; En stock ?; ¿Existencias?; ¿En inventario?; ¿Hay existencias?; In stock?; In magazzino?; "
    "Disponibile?; Op voorraad?",
    "stock": "Bestand; Lager; Lagerbestand; Inventario; Magazzino; Scorte; Giacenza; Voorraad",
    "sale_price": "Angebotspreis; Tarif promo; Prix promo; Precio rebajado; Precio de oferta; Prezzo in offerta; Prezzo scontato; "
    "Actieprijs; Aanbiedingsprijs",
    "regular_price": "Regulärer Preis; Normaler Preis; Tarif régulier; Prix régulier; Precio normal; Precio regular; "
    "Prezzo di listino; Prezzo normale; Reguliere prijs; Normale prijs",
    "categories": "Kategorien; Catégories; Categorías; Categorie; Categorieën",
    "tags": "Schlagwörter; Schlagworte; Étiquettes; Etiquetas; Tag",
    "images": "Bilder; Imágenes; Immagini; Afbeeldingen",
    "parent": "Übergeordnetes Produkt; Übergeordnet; Eltern; Produit parent; Superior; Principal; Genitore; Hoofd; Ouder; Bovenliggend; "
    "Hoofdproduct",
    "brands": "Marken; Marques; Marcas; Marche; Marchi; Brand; Merken",
    "attribute_#_name": "Attribut # Name; Name des Attributs #; Nom de l’attribut #; Attribut # nom; Nombre del atributo #; "
    "Atributo # nombre; Attributo # nome; Nome dell'attributo #; Nome attributo #; Naam eigenschap #; Naam attribuut #; "
    "Attribuut # naam; Eigenschap # naam",
    "attribute_#_value(s)": "Attribut # Wert(e); Wert(e) des Attributs #; Attribut # Werte; Valeur(s) de l’attribut #; "
    "Attribut # valeur(s); Valor(es) del atributo #; Atributo # valor(es); Attributo # valore(i); Attributo # valori; "
    "Attributo # valuta(e); Valore(i) dell'attributo #; Valore/i attributo #; Valori attributo #; Waarde eigenschap #; "
    "Waarde(n) eigenschap #; Waarde(n) attribuut #; Attribuut # waarde(n); Eigenschap # waarde(n)",
}
_NUMBER = re.compile(r"\d{1,3}")


def _folded(name: str) -> str:
    """`Nom de l’attribut 1` → `nomdelattribut1`: letters and digits alone."""
    plain = unicodedata.normalize("NFD", name.casefold())
    return re.sub(r"[^a-z0-9#]+", "", plain)


_KEYS = {_folded(name): key for key, names in _TRANSLATED.items() for name in names.split(";")}


@lru_cache(maxsize=4096)
def english_key(name: str) -> str:
    """The key of a column under its English name; of one that is not translated, its own key."""
    folded = _folded(name)
    number = _NUMBER.search(folded)
    key = _KEYS.get(_NUMBER.sub("#", folded, count=1) if number else folded)
    if key is None:
        return column_key(name)
    return key.replace("#", number[0]) if number else key
