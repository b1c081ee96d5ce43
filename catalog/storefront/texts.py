"""The storefront's texts in all its languages: gathered from templates and code, and compiled for Python's gettext.

Both files of a language lie beside each other in catalog/locale and are kept in the repository: what is compiled is read as it is,
so that neither a server nor the building of an image needs gettext's programs. `manage.py gather_texts` writes them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

from babel.messages import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

APP = Path(__file__).resolve().parent.parent
PROJECT = APP.parent
LOCALE = APP / "locale"
_KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
}
_HEADER = "# Texts of the storefront. `manage.py gather_texts` keeps them up to date with templates and code."


def languages() -> list[str]:
    """Those beside English, which the texts are written in."""
    return sorted(path.name for path in LOCALE.iterdir() if path.is_dir())


def text_file(language: str) -> Path:
    """The texts as translators edit them."""
    return LOCALE / language / "LC_MESSAGES" / "django.po"


def compiled_file(language: str) -> Path:
    """The texts as servers read them."""
    return text_file(language).with_suffix(".mo")


def gathered() -> Catalog:
    """Every text of the storefront, without translations."""
    catalog = Catalog()
    for path, source in _sources():
        for line, message, comments, context in extract(
            "python", io.BytesIO(source.encode()), _KEYWORDS, ("Translators:",)
        ):
            catalog.add(
                message, None, [(str(path.relative_to(PROJECT)), line)], auto_comments=comments, context=context
            )
    return catalog


def translated(language: str) -> Catalog:
    """The texts of a language as its file has them; none where there is no file yet."""
    path = text_file(language)
    if not path.exists():
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def compiled(catalog: Catalog) -> bytes:
    """As Python's gettext reads them, without what is not translated."""
    buffer = io.BytesIO()
    write_mo(buffer, catalog)
    return buffer.getvalue()


def write(language: str) -> list[str]:
    """Bring both files of a language up to date; the texts that are still to be translated."""
    catalog = translated(language)
    catalog.update(gathered(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    catalog.fuzzy, catalog.header_comment = False, _HEADER
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Lookalike", "", ""
    catalog.last_translator = catalog.language_team = ""
    with text_file(language).open("wb") as file:
        write_po(file, catalog, width=120, sort_output=True, include_lineno=False, omit_header=False)
    compiled_file(language).write_bytes(compiled(catalog))
    return untranslated(catalog)


def untranslated(catalog: Catalog) -> list[str]:
    """Texts without a translation, or with less than all its plurals."""
    found = []
    for message in catalog:
        strings = message.string if isinstance(message.string, (list, tuple)) else (message.string,)
        if message.id and not all(strings):
            found.append(message.id if isinstance(message.id, str) else message.id[0])
    return found


def _sources() -> Iterator[tuple[Path, str]]:
    """Python as gettext's extraction reads it, of code and of templates."""
    for path in sorted((APP / "storefront").glob("*.py")):
        yield path, path.read_text(encoding="utf-8")
    for folder in (APP / "templates" / "catalog", PROJECT / "config" / "templates"):
        for path in sorted(folder.glob("*.html")):
            yield path, templatize(path.read_text(encoding="utf-8"))
