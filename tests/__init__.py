"""The tests of the portal."""

import pytest

pytest.register_assert_rewrite("tests.support")
