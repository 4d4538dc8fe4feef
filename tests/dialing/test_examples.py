import doctest
import importlib
import pkgutil

import pytest

from portal import blocklist, dialing, export

MODULES = [module.name for module in pkgutil.walk_packages(dialing.__path__, "portal.dialing.")]


@pytest.mark.parametrize("name", [*MODULES, blocklist.__name__, export.__name__])
def test_examples_in_docstrings_hold(name: str):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
