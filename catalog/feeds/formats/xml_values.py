"""Turns the element of an item into the values of a row."""

from __future__ import annotations

from html import escape
from xml.etree.ElementTree import Element

from catalog.feeds.formats.nesting import Values, add_group
from catalog.feeds.formats.xml_structure import Structure

# Elements whose values an attribute names: <param name="Colour">red</param>.
_NAMED = {"param", "parameter", "field", "attribute", "property", "column", "feature", "characteristic"}
_RSS_ONLY = {"pubDate", "guid"}  # of RSS itself; `guid` serves where there is no id
_ATOM_ONLY = {"updated", "published", "author", "contributor", "category", "rights", "source", "content", "summary"}
_HTML = frozenset(
    (
        "a b big blockquote br center code div em font h1 h2 h3 h4 h5 h6 hr i img "
        "li ol p pre s small span strong sub sup table tbody td th tr u ul"
    ).split()
)


class Names:
    """Names of elements as rows have them: Google's without its prefix, none for those of other namespaces."""

    def __init__(self, structure: Structure) -> None:
        self.structure = structure
        self._known: dict[str, tuple[str, bool]] = {}
        self._own = ""

    def of_item(self, item: Element) -> None:
        """The prefix of the item's own name, as in `a:entry`, stands for none."""
        own = item.tag.partition("}")[0][1:] if item.tag[0] == "{" else ""
        if own != self._own:
            self._own = own
            self._known.clear()

    def name(self, tag: str) -> tuple[str, bool]:
        """The local name, "" of another namespace; whether it is Google's."""
        if (known := self._known.get(tag)) is not None:
            return known
        prefix, _, local = tag[1:].rpartition("}") if tag[0] == "{" else ("", "", tag)
        google = bool(prefix) and prefix in self.structure.google
        name = (local, google) if google or prefix in ("", self._own) else ("", False)
        if len(self._known) < 1000:
            self._known[tag] = name
        return name


def item_values(item: Element, names: Names) -> Values:
    """Google's elements before those of the same name that RSS and Atom have; the item's own attributes like elements."""
    names.of_item(item)
    google: Values = {}
    plain = children_values(item, names, google)
    for name, text in item.attrib.items():
        if name[0] != "{" and name not in plain and name not in google:
            plain[name] = [text.strip()]
    structure = names.structure
    if structure.atom:
        _use_atom(item, names, plain)
    if structure.root in ("rss", "RDF"):
        if plain.get("guid") and not plain.get("id") and not google.get("id"):
            google["id"] = plain["guid"]
        for name in _RSS_ONLY:
            plain.pop(name, None)
        for name in [name for name in plain if name.startswith("guid.")]:
            del plain[name]
    return plain | google


def children_values(element: Element, names: Names, google: Values) -> Values:
    """Values of an element's children; those of Google's namespace go to `google`, which may be the same object."""
    plain: Values = {}
    groups: dict[str, list[Element]] = {}
    nested: set[str] = set()
    for child in element:
        groups.setdefault(child.tag, []).append(child)
        if len(child) or child.attrib:
            nested.add(child.tag)
    for tag, children in groups.items():
        name, is_google = names.name(tag)
        values = google if is_google else plain
        if not name:
            continue
        if tag in nested:
            _add_nested(values, name, children, names)
        elif texts := [text for child in children if (text := (child.text or "").strip())]:
            values.setdefault(name, []).extend(texts)
    return plain


def _add_nested(values: Values, name: str, children: list[Element], names: Names) -> None:
    """Elements of one name, of which some have attributes or elements inside."""
    others: list[Values] = []
    for child in children:
        label = (child.get("name") or "").strip() if name.lower() in _NAMED and not len(child) else ""
        if not label:
            others.append(_inner(child, names))
        elif text := (child.text or "").strip():
            values.setdefault(label, []).append(text)
    if others:
        add_group(values, name, others)


def _inner(element: Element, names: Names) -> Values:
    """An element's own text under "", what is in it under its names, its attributes as `@name`."""
    values: Values = {}
    if is_markup(element, names):
        values[""] = [markup(element)]
    else:
        google: Values = {}
        values = children_values(element, names, google) | google
        if text := (element.text or "").strip():
            values[""] = [text]
    for name, text in element.attrib.items():
        if name[0] != "{" and text.strip():
            values[f"@{name}"] = [text.strip()]
    return values


def is_markup(element: Element, names: Names) -> bool:
    """Whether the elements inside are those of HTML, as in a description that was not escaped."""
    return bool(len(element)) and all(names.name(child.tag)[0].lower() in _HTML for child in element)


def markup(element: Element) -> str:
    """What is inside an element, as HTML."""
    parts = [escape(element.text or "", quote=False)]
    for child in element:
        tag = child.tag.rpartition("}")[2]
        attributes = "".join(f' {name}="{escape(text)}"' for name, text in child.attrib.items() if name[0] != "{")
        inside = markup(child)
        parts.append(f"<{tag}{attributes}>{inside}</{tag}>" if inside else f"<{tag}{attributes}>")
        parts.append(escape(child.tail or "", quote=False))
    return "".join(parts).strip()


def _use_atom(item: Element, names: Names, plain: Values) -> None:
    """Atom's link is an attribute, its texts have a name of their own; its dates and people are not the product's."""
    texts = plain.get("content") or plain.get("summary")
    for name in list(plain):
        if name.partition(".")[0] in {*_ATOM_ONLY, "link"} or "@" in name:
            del plain[name]
    if texts:
        plain["description"] = texts
    for child in item:
        if names.name(child.tag) == ("link", False) and child.get("rel", "alternate") == "alternate":
            if address := child.get("href", child.text or "").strip():
                plain.setdefault("link", []).append(address)
