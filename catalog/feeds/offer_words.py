"""The words by which feeds show and hide products, in the languages of shops."""

from __future__ import annotations

import re
import unicodedata

_YES = "true; t; yes; y; 1; on; ja; oui; si; sí; sì; sim; tak; да"
_NO = "false; f; no; n; 0; -1; off; nein; non; não; nee; nie; нет"
# Those of Shopify, WooCommerce, Magento, PrestaShop, Medusa and commercetools, what else shops write, and the same in German,
# French, Spanish, Italian and Dutch.
_ON = f"""
{_YES}; active; published; publish; enabled; enable; live; visible; online; approved; available; current; for sale;
aktiv; aktiviert; veröffentlicht; veroeffentlicht; freigegeben; freigeschaltet; sichtbar; verfügbar;
actif; activé; activée; publié; publiée; en ligne; disponible; en vente;
activo; activa; activado; activada; publicado; publicada; habilitado; habilitada; en línea;
attivo; attiva; attivato; attivata; pubblicato; pubblicata; abilitato; abilitata; visibile; disponibile;
actief; geactiveerd; gepubliceerd; ingeschakeld; zichtbaar; beschikbaar
"""
_OFF = f"""
{_NO}; draft; archived; archive; inactive; unpublished; disabled; disable; hidden; private; pending; pending review; scheduled; future;
trash; trashed; deleted; removed; suspended; rejected; offline; expired; discontinued; proposed; auto draft; unlisted; retired;
not published; not visible; not for sale;
inaktiv; nicht aktiv; entwurf; deaktiviert; unveröffentlicht; nicht veröffentlicht; verborgen; versteckt; ausgeblendet; unsichtbar;
nicht sichtbar; archiviert; gelöscht; geloescht; entfernt; gesperrt; papierkorb; ausstehend; ausstehende überprüfung; geplant; privat;
abgelaufen;
brouillon; inactif; désactivé; désactivée; non publié; non publiée; dépublié; dépubliée; masqué; masquée; caché; cachée; invisible;
archivé; archivée; supprimé; supprimée; retiré; retirée; corbeille; en attente; en attente de relecture; planifié; planifiée;
programmé; programmée; privé; privée; expiré; expirée; suspendu; suspendue; hors ligne;
borrador; inactivo; inactiva; desactivado; desactivada; deshabilitado; deshabilitada; no publicado; no publicada; despublicado;
despublicada; oculto; oculta; archivado; archivada; eliminado; eliminada; borrado; borrada; papelera; pendiente;
pendiente de revisión; programado; programada; privado; privada; caducado; caducada; suspendido; suspendida;
bozza; inattivo; inattiva; non attivo; non attiva; disattivato; disattivata; disabilitato; disabilitata; non pubblicato;
non pubblicata; nascosto; nascosta; invisibile; archiviato; archiviata; eliminato; eliminata; rimosso; rimossa; cestino; in attesa;
in attesa di revisione; pianificato; pianificata; programmato; programmata; privato; privata; scaduto; scaduta; sospeso; sospesa;
concept; inactief; niet actief; uitgeschakeld; gedeactiveerd; niet gepubliceerd; ongepubliceerd; onzichtbaar; niet zichtbaar;
gearchiveerd; verwijderd; prullenbak; in afwachting; in afwachting van beoordeling; wacht op beoordeling; gepland; verlopen;
opgeschort
"""
_GONE = """
removed; deleted; gelöscht; geloescht; entfernt; supprimé; supprimée; retiré; retirée; eliminado; eliminada; borrado; borrada;
eliminato; eliminata; rimosso; rimossa; verwijderd
"""


def shows(text: str) -> bool | None:
    """Whether a word shows (`active`, `Publié`) or hides (`DRAFT`, `Entwurf`) a product; None of any other."""
    return _WORDS.get(_key(text))


def says_removed(text: str) -> bool | None:
    """Whether a word says that a product was removed, or that it was not; None of any other."""
    return _REMOVED.get(_key(text))


def _key(text: str) -> str:
    """`AUTO_DRAFT`, `auto-draft` and `Auto draft` are one word, `Publié` and `publie` too. A number of JSON or Excel may end in `.0`."""
    letters = "".join(char for char in unicodedata.normalize("NFD", text.casefold()) if not unicodedata.combining(char))
    word = " ".join(re.sub(r"_|(?<=\w)-(?=\w)", " ", letters).split())
    return word.removesuffix(".0")


def _words(text: str) -> list[str]:
    return [_key(word) for word in text.split(";")]


_WORDS = dict.fromkeys(_words(_ON), True) | dict.fromkeys(_words(_OFF), False)
_REMOVED = dict.fromkeys([*_words(_YES), *_words(_GONE)], True) | dict.fromkeys(_words(_NO), False)
