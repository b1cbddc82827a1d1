"""Filters as Lambda takes them: what it does not take is refused, and what matches nothing."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components import LimitError, limits

texts = st.text(max_size=5)
numbers = st.integers(-5_000_000_000, 5_000_000_000) | st.floats(-5e9, 5e9).map(
    lambda number: round(number, 6)
)
ranges = st.tuples(
    st.sampled_from([">", ">="]), numbers, st.sampled_from(["<", "<="]), numbers
).filter(lambda terms: terms[1] < terms[3])
comparisons = st.one_of(
    st.builds(lambda text: {"prefix": text}, texts),
    st.builds(lambda text: {"suffix": {"equals-ignore-case": text}}, texts),
    st.builds(lambda text: {"equals-ignore-case": text}, texts),
    st.builds(lambda text: {"anything-but": text}, texts | numbers),
    st.builds(
        lambda some: {"anything-but": some},
        st.lists(texts, min_size=1, max_size=3) | st.lists(numbers, min_size=1, max_size=3),
    ),
    st.builds(lambda is_there: {"exists": is_there}, st.booleans()),
    st.builds(
        lambda sign, number: {"numeric": [sign, number]},
        st.sampled_from(["=", "<", "<=", ">", ">="]),
        numbers,
    ),
    st.builds(lambda terms: {"numeric": list(terms)}, ranges),
)
leaves = st.lists(st.none() | st.booleans() | texts | numbers | comparisons, min_size=1, max_size=3)
keys = texts.filter(lambda key: key != "$or")
nodes: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: (
        st.dictionaries(keys, inner, min_size=1, max_size=3)
        | st.builds(
            lambda some: {"$or": some},
            st.lists(st.dictionaries(keys, inner, min_size=1, max_size=2), min_size=2, max_size=3),
        )
    ),
    max_leaves=5,
)


@given(st.dictionaries(keys, nodes, min_size=1, max_size=2))
def test_patterns_of_the_syntax_are_accepted(body: dict[str, Any]) -> None:
    pattern = {"body": body}
    if len(json.dumps(pattern)) <= 4_096:
        limits.check_filters([pattern])


@pytest.mark.parametrize(
    "body",
    [["a"], [{"prefix": "a"}], [{"anything-but": ["a"]}], [{"exists": True}], ("a", "b")],
)
def test_a_list_is_about_bodies_that_are_no_json(body: Any) -> None:
    limits.check_filters([{"body": body}])


def test_a_field_may_be_called_as_a_comparison() -> None:
    limits.check_filters([{"body": {"prefix": ["a"], "numeric": [1, 2], "exists": [True]}}])


def test_filters_are_few_and_short() -> None:
    limits.check_filters([{"body": {"a": ["b"]}}] * 10)
    limits.check_filters([{"body": ["x" * (4_096 - 14)]}])
    with pytest.raises(LimitError, match="filters has 11 entries; allowed: 0 to 10"):
        limits.check_filters([{"body": {"a": ["b"]}}] * 11)
    with pytest.raises(LimitError, match=r"filters\[0\] has 4097 characters as JSON"):
        limits.check_filters([{"body": ["x" * (4_096 - 13)]}])


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ({}, r"filters\[0\] looks at nothing; allowed: body alone"),
        ({"messageAttributes": ["a"]}, "looks at messageAttributes; .* deletes what matches no"),
        ({"body": ["a"], "eventSource": ["b"]}, "looks at body, eventSource; allowed: body"),
        (["body"], r"filters\[0\] = \['body'\] is no pattern; give an object"),
        ({"body": "a"}, "body = 'a' is no pattern, or one that nothing matches"),
        ({"body": []}, r"body = \[\] is no pattern, or one that nothing matches"),
        ({"body": {"a": {}}}, r"body.a = {} is no pattern"),
        ({"body": {"a": []}}, r"body.a = \[\] is no pattern, or one that nothing matches"),
        ({"body": {"a": [1], "b": 1}}, "body.b = 1 is no pattern"),
        ({"body": {1: ["a"]}}, "body has the key 1; keys are text; give '1'"),
        ({"body": {"a": [[1]]}}, r"body.a\[0\] = \[1\]; allowed: text, a number"),
        ({"body": {"a": [float("nan")]}}, r"body.a\[0\] = nan is no number that JSON knows"),
        ({"body": {"a": [float("inf")]}}, "= inf is no number that JSON knows"),
        ({"body": {"a": [{"contains": "x"}]}}, "by 'contains', which Lambda does not; allowed: pr"),
        ({"body": {"a": [{"wildcard": "x*"}]}}, "by 'wildcard', which Lambda does not"),
        ({"body": {"a": [{"prefix": "x", "suffix": "y"}]}}, "is not one comparison; allowed: pref"),
        ({"body": {"a": [{}]}}, "is not one comparison"),
        ({"body": {"a": [{"prefix": 1}]}}, "prefix = 1; allowed: text, or"),
        ({"body": {"a": [{"suffix": ["x"]}]}}, "suffix = .*; allowed: text, or"),
        ({"body": {"a": [{"equals-ignore-case": 1}]}}, "equals-ignore-case = 1; allowed: text"),
        ({"body": {"a": [{"exists": "true"}]}}, "exists = 'true'; allowed: True or False"),
        ({"body": {"a": [{"anything-but": []}]}}, r"anything-but = \[\]; allowed: a text or a num"),
        ({"body": {"a": [{"anything-but": ["x", 1]}]}}, "a list of one kind"),
        ({"body": {"a": [{"anything-but": None}]}}, "anything-but = None; allowed"),
        ({"body": {"a": [{"numeric": []}]}}, r"numeric = \[\]; allowed: a sign and a number"),
        ({"body": {"a": [{"numeric": [">", "1"]}]}}, "numeric = .*; allowed: a sign and a number"),
        ({"body": {"a": [{"numeric": [">", True]}]}}, "numeric = .*; allowed: a sign and a number"),
        ({"body": {"a": [{"numeric": ["!=", 1]}]}}, "numeric = .*; allowed: a sign and a number"),
        ({"body": {"a": [{"numeric": ["=", float("nan")]}]}}, "numeric = .*; allowed"),
        ({"body": {"a": [{"numeric": [">", 6e9]}]}}, "numeric = .*; allowed: .* from -5e9 to 5e9"),
        ({"body": {"a": [{"numeric": [">", 0.1234567]}]}}, "at most 6 digits behind the point"),
        ({"body": {"a": [{"anything-but": 1e-7}]}}, "at most 6 digits behind the point"),
        ({"body": {"a": [{"numeric": ["<", 1, ">", 5]}]}}, "the lower end first"),
        ({"body": {"a": [{"numeric": [">", 5, "<", 1]}]}}, "the lower end first and below the upp"),
        ({"body": {"a": [{"numeric": [">=", 5, "<=", 5]}]}}, "below the upper"),
        ({"body": {"a": {"numeric": [">", 1]}}}, "looks for a field of that name; .* into a list"),
        ({"body": {"a": {"anything-but": ["x"]}}}, "looks for a field of that name"),
        ({"body": {"a": {"prefix": "x"}}}, r"into a list: \[{'prefix': 'x'}\]"),
        ({"body": {"a": {"exists": True}}}, "looks for a field of that name"),
        ({"body": {"$or": [{"a": [1]}]}}, r"body.\$or = .*; allowed: a list of 2 or more objects"),
        ({"body": {"$or": {"a": [1]}}}, r"body.\$or = .*; allowed: a list of 2 or more objects"),
        ({"body": {"$or": [{"a": [1]}, [2]]}}, r"body.\$or\[1\] = \[2\] is no object"),
        ({"body": [5]}, r"body\[0\] = 5 matches no message: a body is a text"),
        ({"body": [None]}, "matches no message"),
        ({"body": [{"numeric": [">", 1]}]}, "matches no message"),
        ({"body": [{"exists": False}]}, "matches no message: a body is a text, and always there"),
    ],
)
def test_what_lambda_does_not_take_or_nothing_matches_is_refused(
    pattern: Any, complaint: str
) -> None:
    with pytest.raises(LimitError, match=complaint):
        limits.check_filters([pattern])
