"""Exports of WooCommerce whose headers are translated give the rows that the English export gives."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.catalog.feeds.mapping.mapping import rows_of
from tests.catalog.feeds.mapping.test_woocommerce import BLUE, CAP, HEADER, PARENT, RED

ROWS = [PARENT, RED, BLUE, CAP]
# The header of test_woocommerce, column by column, as each translation of WooCommerce writes it.
TRANSLATED = {
    "German": 'ID,Typ,Artikelnummer,Name,Veröffentlicht,"Ist hervorgehoben?","Sichtbarkeit im Katalog",Kurzbeschreibung,Beschreibung,'
    '"Datum, an dem Angebotspreis beginnt","Datum, an dem Angebotspreis endet",Steuerstatus,Vorrätig?,Bestand,'
    '"Lieferrückstände erlaubt?","Gewicht (kg)",Angebotspreis,"Regulärer Preis",Kategorien,Schlagwörter,Bilder,'
    '"Übergeordnetes Produkt",Position,"Attribut 1 Name","Attribut 1 Wert(e)","Attribut 1 Sichtbar","Attribut 1 Global",'
    '"Attribut 2 Name","Attribut 2 Wert(e)","Attribut 2 Sichtbar","Attribut 2 Global"',
    "French": 'ID,Type,UGS,Nom,Publié,"Mis en avant ?","Visibilité dans le catalogue","Description courte",Description,'
    '"Date de début de promo","Date de fin de promo","État de la TVA","En stock ?",Stock,'
    '"Autoriser les commandes de produits en rupture ?","Poids (kg)","Tarif promo","Tarif régulier",Catégories,Étiquettes,Images,'
    "Parent,Position,Nom de l’attribut 1,Valeur(s) de l’attribut 1,Attribut 1 visible,Attribut 1 global,"
    "Nom de l'attribut 2,Valeur(s) de l'attribut 2,Attribut 2 visible,Attribut 2 global",
    "Spanish": 'ID,Tipo,SKU,Nombre,Publicado,"¿Está destacado?","Visibilidad en el catálogo","Descripción corta",Descripción,'
    '"Día en que empieza el precio rebajado","Día en que termina el precio rebajado","Estado del impuesto",¿Existencias?,Inventario,'
    '"¿Permitir reservas de productos agotados?","Peso (kg)","Precio rebajado","Precio normal",Categorías,Etiquetas,Imágenes,'
    "Superior,Posición,Nombre del atributo 1,Valor(es) del atributo 1,Atributo visible 1,Atributo global 1,"
    "Nombre del atributo 2,Valor(es) del atributo 2,Atributo visible 2,Atributo global 2",
    "Italian": 'ID,Tipo,COD,Nome,Pubblicato,"In primo piano?","Visibilità nel catalogo","Breve descrizione",Descrizione,'
    '"Data di inizio del prezzo in offerta","Data di fine del prezzo in offerta","Stato delle imposte","In stock?",Magazzino,'
    '"Abilita gli ordini arretrati?","Peso (kg)","Prezzo in offerta","Prezzo di listino",Categorie,Tag,Immagini,Genitore,Posizione,'
    "Attributo 1 nome,Attributo 1 valore(i),Attributo 1 visibile,Attributo 1 globale,"
    "Attributo 2 nome,Attributo 2 valuta(e),Attributo 2 visibile,Attributo 2 globale",
    "Dutch": 'ID,Type,Artikelnummer,Naam,Gepubliceerd,Uitgelicht?,"Zichtbaarheid in catalogus","Korte omschrijving",Beschrijving,'
    '"Startdatum actieprijs","Einddatum actieprijs","Btw status","Op voorraad?",Voorraad,"Nabestellingen toestaan?","Gewicht (kg)",'
    'Actieprijs,"Reguliere prijs",Categorieën,Tags,Afbeeldingen,Hoofd,Positie,"Naam eigenschap 1","Waarde eigenschap 1",'
    '"Zichtbare eigenschap 1","Globale eigenschap 1","Naam eigenschap 2","Waarde eigenschap 2","Zichtbare eigenschap 2",'
    '"Globale eigenschap 2"',
}


@pytest.mark.parametrize("language", TRANSLATED)
def test_translated_headers_give_the_rows_of_english_ones(language: str, tmp_path: Path) -> None:
    english = rows_of(tmp_path, "\n".join([HEADER, *ROWS]))
    assert len(english[0]) == 3
    assert rows_of(tmp_path, "\n".join([TRANSLATED[language], *ROWS])) == english


@pytest.mark.parametrize("language", TRANSLATED)
def test_case_apostrophes_blanks_and_question_marks_do_not_matter(language: str, tmp_path: Path) -> None:
    header = TRANSLATED[language]
    plain = header.upper().replace("’", "").replace("?", "").replace(" ", "\u00a0")
    assert rows_of(tmp_path, "\n".join([plain, *ROWS])) == rows_of(tmp_path, "\n".join([header, *ROWS]))


def test_a_table_of_anybody_with_such_words_is_not_taken_for_woocommerces(tmp_path: Path) -> None:
    rows, notices = rows_of(tmp_path, "id,Typ,Artikelnummer,Name,Regulärer Preis,Farbe\n7,Hut,A-7,Hut,9 EUR,rot\n")
    assert (rows[0]["id"], rows[0]["Farbe"], notices) == (["7"], ["rot"], [])
