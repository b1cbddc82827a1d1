"""The account and the verdict, for any way in which messages can end."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from automation.aws.consumer_log import Identity, Processing
from automation.proof.account import Account, DeadLetter, Sent, account_for, count_reordered
from automation.proof.evidence import _count_reordered
from automation.proof.verdict import AlarmReport, reasons_broken

RUN = "run"
RANG = AlarmReport(state="ALARM", went_to_alarm=True, was_notified=True)
QUIET = AlarmReport(state="OK", went_to_alarm=False, was_notified=False)

# What can become of one message: how often it was processed, and whether it is in the DLQ.
FATES = st.lists(
    st.tuples(st.booleans(), st.integers(0, 3), st.booleans()), min_size=1, max_size=60
)


def letter(seq: int, *, bad: bool = True, run_id: str = RUN) -> DeadLetter:
    return DeadLetter(message_id=f"id-{seq}", identity=(run_id, seq), has_store_id=not bad)


def account(*, bad: int, processed: list[int], dead: list[DeadLetter]) -> Account:
    sent = Sent(run_id=RUN, messages=len(processed) + len(dead), bad=bad)
    return account_for([sent], [(RUN, seq) for seq in processed], dead)


@given(FATES)
def test_account_counts_each_message_by_its_identity(fates: list[tuple[bool, int, bool]]) -> None:
    processed: list[Identity] = []
    dead: list[DeadLetter] = []
    for seq, (is_bad, deliveries, is_dead) in enumerate(fates):
        processed += [(RUN, seq)] * deliveries
        dead += [letter(seq, bad=is_bad)] * is_dead
    bad = sum(is_bad for is_bad, _, _ in fates)

    found = account_for([Sent(run_id=RUN, messages=len(fates), bad=bad)], processed, dead)

    assert found.processed == sum(deliveries > 0 for _, deliveries, _ in fates)
    assert found.dead_lettered == sum(is_dead for _, _, is_dead in fates)
    assert found.misrouted == sum(is_dead and not is_bad for is_bad, _, is_dead in fates)
    assert found.lost == sum(not deliveries and not is_dead for _, deliveries, is_dead in fates)
    assert found.duplicates == sum(max(0, deliveries - 1) for _, deliveries, _ in fates)


@given(FATES)
def test_verdict_holds_only_when_every_message_is_where_it_belongs(
    fates: list[tuple[bool, int, bool]],
) -> None:
    bad = sum(is_bad for is_bad, _, _ in fates)
    sent = Sent(run_id=RUN, messages=len(fates), bad=bad)
    found = account_for(
        [sent],
        [(RUN, seq) for seq, (_, deliveries, _) in enumerate(fates) for _ in range(deliveries)],
        [letter(seq, bad=is_bad) for seq, (is_bad, _, dead) in enumerate(fates) if dead],
    )
    all_bad_are_dead = all(is_bad == is_dead for is_bad, _, is_dead in fates)
    only_good_are_done = all((deliveries > 0) != is_bad for is_bad, deliveries, _ in fates)

    reasons = reasons_broken(found, RANG if bad else QUIET)

    assert (not reasons) == (all_bad_are_dead and only_good_are_done)


def test_messages_of_other_runs_are_neither_processed_nor_dead_lettered_here() -> None:
    sent = Sent(run_id=RUN, messages=1, bad=0)
    found = account_for([sent], [(RUN, 0), ("other", 5)], [letter(7, run_id="other")])
    assert (found.processed, found.dead_lettered, found.misrouted) == (1, 0, 0)


def test_message_both_processed_and_dead_lettered_breaks_the_verdict() -> None:
    sent = Sent(run_id=RUN, messages=2, bad=1)
    found = account_for([sent], [(RUN, 0), (RUN, 1)], [letter(1)])
    assert (found.processed_and_dead, found.bad_processed) == (1, 1)
    assert reasons_broken(found, RANG) == [
        "1 messages are both processed and in the dead-letter queue",
        "1 bad messages (without store_id) are reported as processed",
    ]


def test_bad_message_that_is_only_reported_as_processed_breaks_the_verdict() -> None:
    sent = Sent(run_id=RUN, messages=3, bad=1)
    found = account_for([sent], [(RUN, 0), (RUN, 1), (RUN, 2)], [])
    assert found.bad_processed == 1
    reasons = reasons_broken(found, QUIET)
    assert "1 bad messages (without store_id) are reported as processed" in reasons


def test_message_more_than_reported_is_not_taken_for_a_bad_one() -> None:
    sent = Sent(run_id=RUN, messages=2, bad=1)
    found = account_for([sent], [(RUN, 0), (RUN, 2)], [letter(1)])
    assert (found.lost, found.bad_processed) == (-1, 0)


@given(FATES)
def test_bad_messages_reported_as_processed_are_counted_when_none_is_lost(
    fates: list[tuple[bool, int, bool]],
) -> None:
    found_fates = [(is_bad, times, dead or not times) for is_bad, times, dead in fates]
    sent = Sent(run_id=RUN, messages=len(fates), bad=sum(is_bad for is_bad, _, _ in fates))
    found = account_for(
        [sent],
        [(RUN, seq) for seq, (_, times, _) in enumerate(found_fates) for _ in range(times)],
        [letter(seq, bad=is_bad) for seq, (is_bad, _, dead) in enumerate(found_fates) if dead],
    )
    assert found.bad_processed == sum(is_bad and times > 0 for is_bad, times, _ in found_fates)


def test_stranger_in_the_dead_letter_queue_breaks_the_verdict() -> None:
    sent = Sent(run_id=RUN, messages=1, bad=0)
    stray = DeadLetter(message_id="x", identity=None, has_store_id=True)
    found = account_for([sent], [(RUN, 0)], [stray, letter(7, run_id="other")])
    assert reasons_broken(found, QUIET) == [
        "2 messages in the dead-letter queue are none of this run's"
    ]


def test_dead_letter_queue_that_was_not_read_whole_breaks_the_verdict() -> None:
    sent = Sent(run_id=RUN, messages=1, bad=0)
    found = account_for([sent], [(RUN, 0)], [], was_read_whole=False)
    assert not found.is_complete
    (reason,) = reasons_broken(found, QUIET)
    assert "could not be read to its end" in reason


def test_missing_or_misdirected_alarm_breaks_the_verdict_with_its_own_reason() -> None:
    alarm = AlarmReport(
        state="MISSING", went_to_alarm=False, was_notified=False, problem="no alarm watches"
    )
    for bad in (0, 1):
        found = account(bad=bad, processed=[0], dead=[letter(1)] * bad)
        assert reasons_broken(found, alarm) == ["no alarm watches"]


def test_dead_letter_without_an_identity_counts_for_nothing() -> None:
    stray = DeadLetter(message_id="x", identity=None, has_store_id=True)
    found = account_for([Sent(run_id=RUN, messages=1, bad=0)], [(RUN, 0)], [stray])
    assert (found.dead_lettered, found.misrouted) == (0, 0)


def test_more_messages_than_reported_break_the_verdict() -> None:
    sent = Sent(run_id=RUN, messages=1, bad=0)
    found = account_for([sent], [(RUN, 0), (RUN, 1)], [])
    assert found.lost == -1
    assert "1 messages more than the 1" in reasons_broken(found, QUIET)[0]


def test_gap_in_the_sequence_is_no_loss() -> None:
    # Message 1 could not be sent: the producer counts 2, numbered 0 and 2.
    found = account_for([Sent(run_id=RUN, messages=2, bad=0)], [(RUN, 0), (RUN, 2)], [])
    assert found.lost == 0


def test_silent_alarm_breaks_the_verdict() -> None:
    found = account(bad=1, processed=[0], dead=[letter(1)])
    assert reasons_broken(found, QUIET) == ["the alarm did not ring, its state is OK"]


def test_unheard_alarm_breaks_the_verdict() -> None:
    found = account(bad=1, processed=[0], dead=[letter(1)])
    unheard = AlarmReport(state="ALARM", went_to_alarm=True, was_notified=False)
    reasons = reasons_broken(found, unheard)
    assert reasons == ["the alarm rang, but its notification did not reach the topic"]


def test_alarm_without_a_bad_message_breaks_the_verdict() -> None:
    found = account(bad=0, processed=[0], dead=[])
    reasons = reasons_broken(found, RANG)
    assert reasons == ["the alarm rang though no bad message was sent"]


def test_unsent_messages_and_an_unsettled_queue_break_the_verdict() -> None:
    sent = Sent(run_id=RUN, messages=1, bad=0, error="2 messages were refused")
    found = account_for([sent], [(RUN, 0)], [])
    reasons = reasons_broken(found, QUIET, settle_failure="5 visible")
    assert len(reasons) == 2
    assert "2 messages were refused" in reasons[0]
    assert "5 visible" in reasons[1]


def test_run_without_a_message_proves_nothing() -> None:
    sent = Sent(run_id=RUN, messages=0, bad=0)
    assert reasons_broken(account_for([sent], [], []), QUIET) == ["the producer sent no message"]


def test_message_processed_after_a_later_one_of_its_group_is_reordered() -> None:
    deliveries = [("a", 1), ("b", 2), ("a", 5), ("a", 3), ("b", 6), ("a", 4)]
    assert count_reordered(deliveries) == 2


def test_second_delivery_of_a_message_is_not_reordered() -> None:
    assert count_reordered([("a", 1), ("a", 2), ("a", 1)]) == 0


@given(st.lists(st.sampled_from("abc"), max_size=40), st.randoms())
def test_groups_that_interleave_in_any_way_keep_their_order(
    groups: list[str], random: Random
) -> None:
    waiting = {group: [seq for seq, of in enumerate(groups) if of == group] for group in groups}
    deliveries: list[tuple[str, int]] = []
    while any(waiting.values()):
        group = random.choice([group for group, seqs in waiting.items() if seqs])
        deliveries.append((group, waiting[group].pop(0)))
    assert count_reordered(deliveries) == 0


def test_reordered_messages_break_the_verdict() -> None:
    sent = Sent(run_id=RUN, messages=2, bad=0)
    found = account_for([sent], [(RUN, 1), (RUN, 0)], [], reordered={RUN: 1})
    assert reasons_broken(found, QUIET) == [
        "1 messages were processed after a later one of their group"
    ]


@given(st.lists(FATES, min_size=1, max_size=4))
def test_verdict_on_several_runs_holds_when_that_on_each_does(
    fates_of_runs: list[list[tuple[bool, int, bool]]],
) -> None:
    reports: list[Sent] = []
    processed: list[Identity] = []
    dead: list[DeadLetter] = []
    for number, fates in enumerate(fates_of_runs):
        run_id = f"run-{number}"
        bad = sum(is_bad for is_bad, _, _ in fates)
        reports.append(Sent(run_id=run_id, messages=len(fates), bad=bad))
        for seq, (is_bad, deliveries, is_dead) in enumerate(fates):
            processed += [(run_id, seq)] * deliveries
            dead += [letter(seq, bad=is_bad, run_id=run_id)] * is_dead
    alarm = RANG if any(report.bad for report in reports) else QUIET

    def reasons(sent: list[Sent]) -> list[str]:
        of_these = {report.run_id for report in sent}
        own = [found for found in dead if found.identity and found.identity[0] in of_these]
        return reasons_broken(account_for(sent, processed, own), alarm)

    alone = [
        why for report in reports for why in reasons([report]) if not why.startswith("the alarm")
    ]
    together = reasons(reports)
    assert len(together) == len(alone)
    assert account_for(reports, processed, dead).processed == len(set(processed))


def test_surplus_of_one_run_does_not_hide_the_loss_of_another() -> None:
    sent = [Sent(run_id="a", messages=3, bad=0), Sent(run_id="b", messages=1, bad=0)]
    found = account_for(sent, [("a", 0), ("b", 0), ("b", 1), ("b", 2)], [])
    assert (found.sent, found.processed, found.lost) == (4, 4, 2)
    assert not found.is_complete
    assert reasons_broken(found, QUIET) == [
        "run a: 2 of 3 messages are lost: neither processed nor in the dead-letter queue",
        "run b: 2 messages more than the 1 that were reported as sent have been found",
    ]


def test_dead_letters_of_one_run_do_not_stand_for_those_of_another() -> None:
    sent = [Sent(run_id="a", messages=1, bad=1), Sent(run_id="b", messages=1, bad=0)]
    found = account_for(sent, [("a", 0)], [letter(0, run_id="b")])
    assert (found.dead_lettered, found.bad, found.lost) == (1, 1, 0)
    assert not found.is_complete
    reasons = reasons_broken(found, RANG)
    assert "run a: 0 messages are in the dead-letter queue, the producer sent 1 bad ones" in reasons
    assert "run b: 1 messages are in the dead-letter queue, the producer sent 0 bad ones" in reasons


def test_producer_that_fails_breaks_the_verdict_and_leaves_the_others_their_counts() -> None:
    sent = [
        Sent(run_id="a", messages=0, bad=0, error="Task timed out"),
        Sent(run_id="b", messages=2, bad=1),
    ]
    found = account_for(sent, [("b", 0)], [letter(1, run_id="b")])
    assert (found.sent, found.bad, found.processed, found.dead_lettered) == (2, 1, 1, 1)
    assert reasons_broken(found, RANG) == [
        "run a: the producer could not send everything: Task timed out",
        "run a: the producer sent no message",
    ]


def test_what_a_producer_sent_before_it_failed_is_its_own() -> None:
    sent = [Sent(run_id="a", messages=0, bad=0, error="Task timed out")]
    found = account_for(sent, [("a", 0)], [letter(1, run_id="a")])
    assert (found.lost, found.strangers) == (-2, 0)


def test_order_is_judged_by_run() -> None:
    done = [
        Processing(identity=(run_id, seq), at_ms=at_ms, group="store-1")
        for at_ms, (run_id, seq) in enumerate([("a", 5), ("b", 1), ("a", 6), ("b", 0), ("a", 7)])
    ]
    assert _count_reordered(done) == {"a": 0, "b": 1}
