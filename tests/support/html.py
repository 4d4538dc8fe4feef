"""Rules that every page and fragment keeps."""

from html.parser import HTMLParser

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_LEFTOVERS = ("{{", "{%", "%(")


def faults(html: str) -> list[str]:
    """Return what is wrong with a page: what the CSP forbids, what a browser would guess at."""
    page = _Page()
    page.feed(html)
    page.close()
    open_at_end = [f"<{tag}> is never closed" for tag in page.open]
    leftovers = [f"{text!r} is left over" for text in _LEFTOVERS if text in html]
    return page.faults + open_at_end + leftovers


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []
        self.open: list[str] = []
        self._ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag not in _VOID:
            self.open.append(tag)
        if len(values) < len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        for name in values:
            if name == "style" or name.startswith(("on", "hx-on")):
                self.faults.append(f"<{tag} {name}> is forbidden by the content security policy")
        if tag == "style" or (tag == "script" and "src" not in values):
            self.faults.append(f"inline <{tag}> is forbidden by the content security policy")
        if identity := values.get("id"):
            if identity in self._ids:
                self.faults.append(f"two elements have the id {identity}")
            self._ids.add(identity)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open[-1] != tag:
            self.faults.append(f"</{tag}> closes <{self.open[-1] if self.open else ''}>")
        if tag in self.open:
            while self.open.pop() != tag:
                pass
