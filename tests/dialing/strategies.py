"""What hypothesis throws at the engine."""

from hypothesis import strategies as st

from portal.dialing.number import MOST_PAUSES
from portal.dialing.variables import VARIABLES

anything = st.one_of(
    st.text(),
    st.text(st.characters(exclude_categories=[])),
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.binary(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
)

values = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from("./\\%#?&=+@:;<>*,~ "),
    min_size=1,
    max_size=255,
)

_TONES = st.text("0123456789*#", max_size=8)
dial_strings = st.builds(
    lambda number, pauses: ",".join([number, *pauses]),
    st.one_of(
        st.from_regex(r"\+[1-9][0-9]{0,14}", fullmatch=True),
        st.from_regex(r"0{0,2}[1-9][0-9]{2,13}", fullmatch=True),
        st.from_regex(r"(\+49|0049|0)(361|30|171|800)[0-9]{5,8}", fullmatch=True),
        st.text("0123456789*#", min_size=1, max_size=15),
    ),
    st.lists(_TONES, max_size=MOST_PAUSES // 2),
)
"""Canonical dial strings."""

_NUMBER_PIECES = [
    *("0", "1", "49", "361", "+", "00", "(0)", " ", "-", "(", ")", "/", ".", "*", "#", ",", ";"),
    *("tel:", "callto://", "\u00a0", "\u202d", "\u202e", "\u200b", "\n", "\t", "x", "ä", "\0"),
    *("\uff10", "\uff0b", "\u0660", "\u2011", "%2B", "\ud800", "9" * 60),
]
number_text = st.lists(st.sampled_from(_NUMBER_PIECES), max_size=12).map("".join)
"""Text that looks like numbers, with everything that people and attackers put between."""

_URL_PIECES = [
    *("https://", "http:", "tel:", "sip:", "callto:", "javascript:", "anlage://", "a:", "//", "/"),
    *("pbx.example", "127.1", "[::1]", ":80", ":", "@", "?", "#", "..", ".", "%2e", "%", "%zz"),
    *("&n=", "<#NUMBER#>", "<#CTI_PHONE#>", "<#CTI_PASS#>", "<#user.email#>", "<#x#>", "<#"),
    *("#>", "<##>", " ", "\t", "\0", "ä", "\\", "{", "\ud800", "x" * 700),
]
url_text = st.lists(st.sampled_from(_URL_PIECES), max_size=10).map("".join)
"""Text that looks like dial URLs."""

value_maps = st.dictionaries(st.sampled_from(list(VARIABLES)), anything | values, max_size=18)
