"""Templates and static files: what is named exists, and what is vendored is what it was."""

import hashlib
import re
from pathlib import Path

import pytest

PORTAL = Path(__file__).parents[1] / "portal"
STATIC = PORTAL / "static"
VENDOR = STATIC / "vendor"
TEMPLATES = sorted((PORTAL / "templates").rglob("*.html"))

_VENDORED = re.compile(r"^\| (\S+) \|.*\[[^]]+]\((\S+)\) \| ([0-9a-f]{64}) \|$", re.MULTILINE)
_ICON_NAMES = (
    re.compile(r"""\b(?:icon|draw|empty)\(\s*["']([a-z0-9-]+)["']"""),
    re.compile(r"""\bicon=["']([a-z0-9-]+)["']"""),
    re.compile(r"""\bbadge\(.*?["'](?:ok|warn|bad|info|neutral)["'], ["']([a-z0-9-]+)["']"""),
)
_FORBIDDEN = {
    "inline style": re.compile(r"<style|\sstyle\s*=", re.IGNORECASE),
    "inline script": re.compile(r"<script(?![^>]*\ssrc=)", re.IGNORECASE),
    "event attribute": re.compile(r"<[^>]*\s(?:on[a-z]+|hx-on[:\w-]*)\s*=", re.IGNORECASE),
    "script address": re.compile(r"""["']\s*(?:javascript|js):""", re.IGNORECASE),
    "address of another host": re.compile(r"""\s(?:src|href)=["'](?:https?:)?//""", re.IGNORECASE),
}

every_template = pytest.mark.parametrize(
    "template", TEMPLATES, ids=lambda path: str(path.relative_to(PORTAL / "templates"))
)


def described() -> list[tuple[str, str, str]]:
    """Name, licence file and SHA-256 of each file that the README lists."""
    return _VENDORED.findall((VENDOR / "README.md").read_text())


def test_vendored_files_are_unchanged():
    sums = {
        name: hashlib.sha256((VENDOR / name).read_bytes()).hexdigest() for name, _, _ in described()
    }

    assert sums == {name: digest for name, _, digest in described()}


def test_every_vendored_file_is_described_with_its_licence():
    licences = {licence for _, licence, _ in described()}

    names = {path.name for path in VENDOR.iterdir()}

    assert names == {name for name, _, _ in described()} | licences | {"README.md"}


@every_template
def test_icons_named_in_a_template_are_in_the_sprite(template: Path):
    text = template.read_text()

    named = {name for pattern in _ICON_NAMES for name in pattern.findall(text)}

    assert named <= sprite_icons()


def sprite_icons() -> set[str]:
    return set(re.findall(r'<symbol id="([^"]+)"', next(VENDOR.glob("lucide-*.svg")).read_text()))


@every_template
def test_a_template_holds_nothing_that_the_content_security_policy_forbids(template: Path):
    text = template.read_text()

    assert [what for what, pattern in _FORBIDDEN.items() if pattern.search(text)] == []


def test_templates_name_all_styles_and_scripts_and_no_file_that_is_missing():
    text = "\n".join(template.read_text() for template in TEMPLATES)
    there = {f"{path.parent.name}/{path.name}" for path in STATIC.glob("[cj]*/*")}

    named = set(
        re.findall(r"""\b(?:asset|script)\(["']([^"']+)["']\)|filename=["']([^"']+)["']""", text)
    )

    paths = {path for pair in named for path in pair if path}
    assert (there - paths, [path for path in paths if not (STATIC / path).is_file()]) == (set(), [])


@pytest.mark.parametrize("style", sorted(STATIC.glob("css/*.css")), ids=lambda path: path.name)
def test_files_named_in_a_style_exist(style: Path):
    named = re.findall(r"""url\(["']?([^"')]+)["']?\)""", style.read_text())

    assert [path for path in named if not (style.parent / path).is_file()] == []
