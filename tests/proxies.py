"""Reading configurations of nginx and Caddy as far as tests need: directives, the words behind them, and blocks in braces."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(r'[ \t]+|(?P<comment>#[^\n]*)|(?P<word>"[^"\n]*"|\{\$?[\w.:/-]+\}|[^\s;{}"]+)|(?P<mark>[;{}\n])')


@dataclass
class Directive:
    """`line`: where its name stands. `inner`: what stands in its braces, None where it has none."""

    name: str
    words: list[str]
    line: int
    inner: list[Directive] | None = None


class Unreadable(ValueError):
    """The configuration cannot be read; the text names the line and what is wrong there."""


@dataclass
class _Reader:
    """`semicolons`: whether a directive ends with one (nginx), or with its line (Caddy)."""

    text: str
    semicolons: bool
    line: int = 1
    words: list[str] = field(default_factory=list)
    began: int = 1

    def read(self) -> list[Directive]:
        open_blocks: list[list[Directive]] = [[]]
        at = 0
        while at < len(self.text):
            token = _TOKEN.match(self.text, at)
            if token is None:
                raise Unreadable(f"line {self.line}: {self.text[at : at + 20]!r}")
            at = token.end()
            if word := token["word"]:
                self.began = self.began if self.words else self.line
                self.words.append(word.strip('"'))
            elif token["mark"] == "{":
                block = self._directive(inner=[])
                open_blocks[-1].append(block)
                assert block.inner is not None
                open_blocks.append(block.inner)
            elif token["mark"] == "}":
                self._end(open_blocks, ended=not self.semicolons)
                open_blocks.pop()
                if not open_blocks:
                    raise Unreadable(f"line {self.line}: one }} too many")
            elif token["mark"] == ";" or (token["mark"] == "\n" and not self.semicolons):
                self._end(open_blocks, ended=True)
            self.line += token[0].count("\n")
        self._end(open_blocks, ended=not self.semicolons)
        if len(open_blocks) > 1:
            raise Unreadable(f"line {self.line}: a }} is missing")
        return open_blocks[0]

    def _end(self, open_blocks: list[list[Directive]], *, ended: bool) -> None:
        if self.words and not ended:
            raise Unreadable(f"line {self.began}: {self.words[0]} ends without a semicolon")
        if self.words:
            open_blocks[-1].append(self._directive(inner=None))

    def _directive(self, *, inner: list[Directive] | None) -> Directive:
        if not self.words:
            return Directive("", [], self.line, inner)  # Caddy's options for all sites
        name, *words = self.words
        self.words = []
        return Directive(name, words, self.began, inner)


def read_nginx(text: str) -> list[Directive]:
    """The directives of the outermost block. Raises Unreadable."""
    return _Reader(text, semicolons=True).read()


def read_caddy(text: str) -> list[Directive]:
    """The same of a Caddyfile. Raises Unreadable."""
    return _Reader(text, semicolons=False).read()


def names(directives: list[Directive]) -> set[str]:
    """Of all directives, in whatever depth."""
    return {one for each in directives for one in (each.name, *names(each.inner or []))}
