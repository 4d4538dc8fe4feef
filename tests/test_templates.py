"""Rules that all templates keep."""

import re
from pathlib import Path

import pytest
from flask import render_template_string
from jinja2 import nodes

from portal import create_app
from tests.support import schema

FOLDER = Path(__file__).parents[1] / "portal" / "templates"
TEMPLATES = sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.html"))


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    return create_app(schema.settings(tmp_path_factory.mktemp("templates"))).jinja_env


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_parses(environment, name):
    environment.get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_uses_what_it_imports(environment, name):
    source = (FOLDER / name).read_text()
    imports = environment.parse(source).find_all(nodes.Import)

    unused = [node.target for node in imports if not re.search(rf"\b{node.target}\.", source)]

    assert unused == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_form_that_posts_carries_the_csrf_token(name):
    source = (FOLDER / name).read_text()
    forms = re.findall(r"<form\b[^>]*method=.post.*?</form>", source, re.DOTALL | re.IGNORECASE)

    assert [form for form in forms if "csrf_token" not in form and "forms.hidden" not in form] == []


def test_values_are_escaped(app):
    with app.test_request_context():
        page = render_template_string("{{ value }}", value="<script>")

    assert page == "&lt;script&gt;"
