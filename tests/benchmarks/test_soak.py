"""A soak tells a leak from what only wavers, and an account that is not exact from one that is."""

import random

from automation.proof.account import Account, RunAccount, Sent
from benchmarks.soak import Held, Round, growth, inexact

MB = 10**6


def account(*, strangers: int = 0, sent: int = 1000, **changes: int) -> Account:
    values = {
        "processed": 750, "dead_lettered": 250, "misrouted": 0, "lost": 0, "duplicates": 0,
        "processed_and_dead": 0, "bad_processed": 0,
    }  # fmt: skip
    run = RunAccount(sent=Sent(run_id="run", messages=sent, bad=250), **{**values, **changes})
    return Account(runs=[run], strangers=strangers, was_read_whole=True)


def rounds(leaks_bytes: int = 0, leaks_threads: float = 0, of: str = "consumer") -> list[Round]:
    rng = random.Random(1)  # noqa: S311

    def held(number: int, leaks: bool) -> Held:
        return Held(
            memory_bytes=90 * MB + rng.randint(-MB, MB) + leaks * number * leaks_bytes,
            threads=10 + rng.randint(-1, 1) + int(leaks * number * leaks_threads),
            descriptors=30,
        )

    names = ("this process", "emulator", "consumer")
    return [
        Round(account=account(), held={name: held(number, name == of) for name in names})
        for number in range(20)
    ]


def test_what_wavers_is_no_leak() -> None:
    assert list(growth(rounds())) == []


def test_leak_is_named_by_process_and_size() -> None:
    (complaint,) = growth(rounds(leaks_bytes=MB))
    assert complaint.startswith("consumer: memory grows by ")
    (complaint,) = growth(rounds(leaks_threads=0.5, of="this process"))
    assert complaint.startswith("this process: ")
    assert complaint.endswith(" threads are left over")


def test_emulator_keeps_its_logs_and_is_not_judged() -> None:
    assert list(growth(rounds(leaks_bytes=10 * MB, of="emulator"))) == []


def test_each_way_in_which_an_account_is_not_exact_is_said() -> None:
    wrong = [{"lost": 1}, {"misrouted": 1}, {"dead_lettered": 249}, {"strangers": 1}, {"sent": 0}]
    for changes in wrong:
        (complaint,) = inexact([Round(account=account(**changes), held={})])
        assert complaint.startswith("round 1: ")
    assert list(inexact(rounds())) == []
