"""What SQS says of a receipt that ran out is told from other refusals."""

import pytest

from automation.deadletters.failed_entries import receipt_ran_out
from automation.deadletters.receiving import EmptyTwice

EXPIRED = "Value x for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired."


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        ("ReceiptHandleIsInvalid", "", True),
        ("InvalidParameterValue", EXPIRED, True),
        ("InvalidParameterValueException", EXPIRED, True),
        ("InvalidParameterValue", "Value x for parameter Id is invalid.", False),
        ("InternalError", EXPIRED, False),
    ],
)
def test_receipt_that_ran_out_is_recognised(code: str, message: str, expected: bool) -> None:
    failure = {"Id": "0", "SenderFault": True, "Code": code, "Message": message}
    assert receipt_ran_out(failure) is expected  # type: ignore[arg-type]


def test_only_the_second_empty_receive_in_a_row_is_the_end() -> None:
    # Short polling asks a part of SQS's servers.
    end = EmptyTwice()
    said = [end.is_reached(is_empty=is_empty) for is_empty in (True, False, True, True)]
    assert said == [False, False, False, True]
