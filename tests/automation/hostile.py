"""What strangers may send, log and ask for: legal for SQS and CloudWatch Logs, and still bad."""

import json

from hypothesis import strategies as st
from jmespath.functions import Functions

SECRET = "Shifter-396144610"
"""Stands for personal data; no command may print it without being told to."""

# SQS API Reference, SendMessage: what a body may hold.
_LEGAL = st.characters(exclude_categories=["Cs"]).filter(
    lambda each: each in "\t\n\r" or (each >= " " and each not in "\ufffe\uffff")
)
_NASTY = st.sampled_from("\x7f\x85\x9b\u2028\u2029\u202e\u2066\ufeff\u200b\U000e0041\n\r\t'\"\\")
TEXTS = st.lists(_NASTY | _LEGAL, max_size=8).map("".join)

_JSON_TEXTS = st.sampled_from(
    [
        '{"name": "\\ud83d"}',
        '{"\\udc00": NaN}',
        '{"evnt_time": NaN, "data_share_consent": 1e999}',
        '{"evnt_time": "\\u001b[2J\\ud83d\\u202e"}',
        f'{{"evnt_time": -Infinity, "name": "{SECRET}"}}',
        f'["{SECRET}", NaN, 1e999]',
        "NaN",
        "1" * 5_000,
        "-1e999",
        "[" * 200 + "]" * 200,
        "[" * 950 + "]" * 950,
        "[" * 100_000,
        '{"a":' * 500 + f'"{SECRET}"' + "}" * 500,
        '{"evnt_time": ' + "9" * 5_000 + "}",
        "\ufeff{}",
        '"text"',
        "null",
    ]
)
BODIES = _JSON_TEXTS | TEXTS.map(lambda text: f"{SECRET}{text}") | st.just(f"\x9b2J{SECRET}\u2028")

_VALUES = st.sampled_from(
    [
        {"DataType": "Number", "StringValue": "1" * 5_000},
        {"DataType": "Number", "StringValue": "1e999"},
        {"DataType": "Number.odd", "StringValue": "NaN"},
        {"DataType": "String", "StringValue": "***"},
        {"DataType": "String", "StringValue": "\x9b2J\u202e\u2028"},
        {"DataType": "Binary.gif", "BinaryValue": b"\xff\x00"},
    ]
)
_PERSONAL = st.just({"DataType": "String", "StringValue": f"\x85{SECRET}"})
ATTRIBUTES = st.dictionaries(
    st.sampled_from(["store_id", "run_id", "seq", "redrive_count", "ts"]), _VALUES, max_size=3
).flatmap(
    lambda ours: st.dictionaries(st.sampled_from(["contact", "b.c"]), _PERSONAL).map(
        lambda others: {**ours, **others}
    )
)

_ANYTHING = st.sampled_from(
    [
        None,
        5,
        -1.5,
        True,
        "",
        "x",
        "\ud83d",
        "\x1b[2J",
        [],
        [5],
        {},
        {"x": 1},
        float("nan"),
        float("inf"),
    ]
)
_RECORDS = st.dictionaries(
    st.sampled_from(
        [
            *("resp", "processed", "groups", "run_id", "seq", "message_id", "receive_count"),
            *("reason", "exception_name", "timestamp", "message", "level"),
        ]
    ),
    _ANYTHING,
)
LOG_LINES = st.one_of(
    _RECORDS.map(json.dumps),
    _RECORDS.map(lambda record: json.dumps({"level": "ERROR", "message_id": "m", **record})),
    st.sampled_from(
        [
            '{"resp": 5}',
            '{"processed": {"r": [1, "x", true, 1e999]}}',
            '{"level": "ERROR", "message_id": "\\ud83d", "run_id": "\\udc00", "seq": "\\udc00"}',
            '{"level": "ERROR", "message_id": {"a": NaN}}',
            '{"resp": {"s_msgs": NaN, "f_msgs": ["\\u009b"]}}',
            '{"a":' * 100_000,
            '{"a":' * 900 + "1" + "}" * 900,
            '{"n": ' + "1" * 5_000 + "}",
            "{} x",
            "[]",
        ]
    ),
)

_ATOMS = st.sampled_from(
    [
        *("id", "body", "attributes", "age_seconds", "receive_count", "reason", "group", "@"),
        *("body.name", "attributes.store_id", "body[0]", "body[::0]", "body[::2]", "body[*].a"),
        *("`5`", "`1e999`", "`null`", '`[1, "a"]`', "'x'", "body.*", "body[]", "`{}`", "&id"),
        *("attributes.*", "keys(attributes)", "values(attributes)", "body[99999999999999999999]"),
    ]
)
_FUNCTIONS = (*Functions.FUNCTION_TABLE, "nope")
EXPRESSIONS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.builds(
            lambda name, arguments: f"{name}({', '.join(arguments)})",
            st.sampled_from(_FUNCTIONS),
            st.lists(inner | inner.map(lambda one: f"&{one}"), max_size=3),
        ),
        st.builds(
            lambda left, sign, right: f"{left} {sign} {right}",
            inner,
            st.sampled_from(["==", "!=", "<", ">=", "&&", "||", "|"]),
            inner,
        ),
        inner.map(lambda one: f"!({one})"),
        inner.map(lambda one: f"{one}[1:3]"),
        inner.map(lambda one: f"body[?{one}]"),
    ),
    max_leaves=6,
) | st.text(max_size=12)
