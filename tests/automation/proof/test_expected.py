"""The file of a proof: what it says, and what in it is refused, by the number of the line."""

import io
import json

import pytest

from automation.errors import AutomationError
from automation.proof import expected, provable
from automation.proof.expected import check_lines, read_lines


def lines_of(*values: object) -> list[expected.Line]:
    return read_lines(io.StringIO("".join(f"{json.dumps(value)}\n" for value in values)))


def test_line_is_a_message_as_send_takes_it_and_where_it_is_to_end() -> None:
    first, second = lines_of(
        {"body": {"order": 7}, "attributes": {"n": 3}, "group": "g", "expect": "processed"},
        {"id": "x", "body": "text", "expect": "dead-lettered", "reason": "KeyError"},
    )
    assert (first.number, first.expect, first.reason) == (1, "processed", None)
    assert (first.message.message_id, first.message.body) == ("line-1", '{"order": 7}')
    assert first.message.attributes == {"n": {"DataType": "Number", "StringValue": "3"}}
    assert first.message.group == "g"
    assert (second.number, second.expect, second.reason) == (2, "dead-lettered", "KeyError")
    assert second.message.message_id == "x"


def test_message_is_sent_as_it_stands_and_never_shown() -> None:
    (line,) = lines_of({"body": "secret", "expect": "processed"})
    assert line.message.attributes == {}
    assert "secret" not in repr(line)


GOOD = {"body": "b", "expect": "processed"}


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"body": "b"}, '\'expect\' is missing: say "processed" or "dead-lettered"'),
        ({**GOOD, "expect": "done"}, "'expect' can't be 'done': say"),
        ({**GOOD, "expect": {"a": 1}}, "'expect' can't be a dict: say"),
        ({**GOOD, "expect": "secret" * 9}, "'expect' can't be a str: say"),
        ({"expect": "processed"}, "a message must have a 'body'"),
        ({**GOOD, "extra": 1}, "a message has no field 'extra'"),
        ([GOOD], "a message must be a JSON object"),
        ({**GOOD, "reason": "KeyError"}, "this one is to be processed: leave it out"),
        ({**GOOD, "expect": "dead-lettered", "reason": 3}, "'reason' must be text that is not"),
        ({**GOOD, "body": ""}, "'body' that is not empty"),
        ({**GOOD, "body": "x" * 2**20 + "x"}, "at most 1048576 bytes of one message"),
        ({**GOOD, "attributes": {str(n): n for n in range(11)}}, "at most 10 attributes"),
    ],
)
def test_wrong_line_is_refused_by_its_number(value: object, words: str) -> None:
    with pytest.raises(AutomationError) as refused:
        lines_of(GOOD, value)
    assert str(refused.value).startswith("line 2: ")
    assert words in str(refused.value)
    assert "secret" not in str(refused.value)


def test_line_that_is_no_json_and_an_id_twice_are_refused() -> None:
    with pytest.raises(AutomationError, match="line 2 is not JSON"):
        read_lines(io.StringIO(f"{json.dumps(GOOD)}\nnot json\n"))
    with pytest.raises(AutomationError, match="line 2: a message before it has the id 'x' too"):
        lines_of({**GOOD, "id": "x"}, {**GOOD, "id": "x"})


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_file_without_a_message_is_refused(text: str) -> None:
    with pytest.raises(AutomationError, match="--messages: there is no message in the file"):
        read_lines(io.StringIO(text))


def test_more_dead_letters_than_can_be_read_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provable, "_MOST_DEAD_LETTERS", 1)
    dead = {"body": "b", "expect": "dead-lettered"}
    lines_of(dead, GOOD)
    with pytest.raises(AutomationError, match="2 messages are expected to be dead-lettered"):
        lines_of(dead, dead)


def test_what_only_this_queue_does_not_take_is_refused_too() -> None:
    lines = lines_of(GOOD, {**GOOD, "body": "x" * 2000})
    check_lines(lines, is_fifo=False, max_bytes=4096)
    with pytest.raises(AutomationError, match="line 1: a message to a FIFO queue needs a 'group'"):
        check_lines(lines, is_fifo=True, max_bytes=4096)
    with pytest.raises(AutomationError, match="line 2: the queue takes at most 1024 bytes"):
        check_lines(lines, is_fifo=False, max_bytes=1024)
