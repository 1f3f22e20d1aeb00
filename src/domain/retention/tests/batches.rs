//! How people decide, and what happens when facts change meanwhile.

use super::samples::*;
use crate::domain::record::Timeline;
use crate::domain::retention::*;

const TODAY: &str = "2030-01-01";

fn now_of(facts: &Facts<'_>) -> Why {
    why(&sailor(), &rules(), facts, day(TODAY), &calendar())
}
fn items(timeline: &Timeline) -> Vec<Item> {
    let why = now_of(&facts(timeline));
    ["pay", "service", "contact"].map(|rule| Item::of(&why, "sailor", rule).unwrap()).into()
}
fn mari() -> Person {
    person(1, "EE48001010001")
}
fn jaan() -> Person {
    person(2, "EE38001010002")
}
fn job() -> Actor {
    Actor::Job("retention".into())
}
fn proposed(timeline: &Timeline) -> Batch {
    Batch::propose(id(1), job(), items(timeline)).unwrap()
}
/// Reviewed by Mari (the service data are destroyed), approved by Jaan, begun by the job.
fn executing(timeline: &Timeline) -> Batch {
    let mut batch = proposed(timeline);
    let destroy = Change::Decide(Disposition::Destroy);
    batch.review(&mari(), &[((id(7), "service"), destroy)], day(TODAY)).unwrap();
    batch.finish_review(&mari(), 1).unwrap();
    batch.approve(&jaan(), 1).unwrap();
    batch.start(&job()).unwrap();
    batch
}
fn stored(timeline: &Timeline) -> Batch {
    let mut batch = executing(timeline);
    for step in [Step::PackageWritten, Step::PackageVerified, Step::Stored] {
        batch.step_done(step).unwrap();
    }
    batch
}
fn fine(why: &Why) -> Now<'_> {
    Now { why: Some(why), disclosed_since_approval: false }
}

#[test]
fn a_batch_is_reviewed_approved_by_a_second_person_and_carried_out_step_by_step() {
    let left = left("2016-03-14");
    let why = now_of(&facts(&left));
    let mut batch = stored(&left);
    for rule in ["contact", "pay", "service"] {
        let leave = batch.clear((id(7), rule), fine(&why)).unwrap().unwrap();
        assert_eq!((leave.record(), leave.rule()), (id(7), Some(rule)));
        batch.erased(leave).unwrap();
    }
    assert_eq!(batch.next_step(), Some(Step::Erased));
    batch.step_done(Step::Erased).unwrap();
    assert_eq!(batch.state(), BatchState::Executing, "an act is still to be drawn up");
    batch.step_done(Step::ActDrawn).unwrap();
    assert_eq!(batch.state(), BatchState::Done);
    let tally = batch.tally();
    assert_eq!(tally[&("sailor".into(), None, Action::Destroy)].erased, 2);
    assert_eq!(tally[&("sailor".into(), None, Action::Archive)].erased, 1);
}

#[test]
fn nobody_approves_what_they_proposed_or_reviewed_not_under_another_account_either() {
    let left = left("2016-03-14");
    let same_human = person(99, "EE48001010001");
    let same_account = Person { user: id(1), code: None };
    let exclude = || Change::Exclude("vaidlus".into());
    for by in [mari(), same_human, same_account] {
        let mut own = Batch::propose(id(1), Actor::Person(mari()), items(&left)).unwrap();
        own.review(&jaan(), &[((id(7), "service"), exclude())], day(TODAY)).unwrap();
        own.finish_review(&jaan(), 1).unwrap();
        assert_eq!(own.approve(&by, 1), Err(BatchRefusal::SamePerson), "{by:?} proposed");
        assert_eq!(own.approve(&jaan(), 1), Err(BatchRefusal::SamePerson), "reviewed");
        own.approve(&person(3, "EE50001010003"), 1).unwrap();

        let mut jobs = proposed(&left);
        jobs.review(&mari(), &[((id(7), "service"), exclude())], day(TODAY)).unwrap();
        jobs.finish_review(&mari(), 1).unwrap();
        assert_eq!(jobs.approve(&by, 1), Err(BatchRefusal::SamePerson), "a job proposed, {by:?} reviewed: alone");
        jobs.approve(&jaan(), 1).unwrap();
        assert_eq!(jobs.start(&Actor::Person(jaan())), Err(BatchRefusal::ApproverExecutes));
        jobs.start(&Actor::Person(mari())).unwrap();
    }
    let (a, b) = (Person { user: id(5), code: None }, Person { user: id(6), code: None });
    assert!(!a.is(&b), "two accounts without a code are not the same for that");
}

#[test]
fn who_finishes_a_review_without_changing_anything_reviewed_it() {
    let left = left("2016-03-14");
    let only = items(&left).into_iter().filter(|i| i.then == crate::domain::retention::Then::Destroy).collect();
    let mut batch = Batch::propose(id(1), job(), only).unwrap();
    batch.finish_review(&mari(), 0).unwrap();
    assert_eq!(batch.approve(&mari(), 0), Err(BatchRefusal::SamePerson));
}

#[test]
fn nobody_approves_what_they_have_not_seen() {
    let left = left("2016-03-14");
    let mut batch = proposed(&left);
    let change = |c| [((id(7), "service"), c)];
    batch.review(&mari(), &change(Change::Decide(Disposition::Archive)), day(TODAY)).unwrap();
    assert_eq!(batch.finish_review(&mari(), 0), Err(BatchRefusal::Stale { revision: 1 }));
    batch.finish_review(&mari(), 1).unwrap();
    assert_eq!(batch.send_back(" "), Err(BatchRefusal::NoReason));
    batch.send_back("liiga vara").unwrap();
    batch.review(&mari(), &change(Change::Exclude("jääb".into())), day(TODAY)).unwrap();
    batch.finish_review(&mari(), 3).unwrap();
    assert_eq!(batch.approve(&jaan(), 1), Err(BatchRefusal::Stale { revision: 3 }), "looked before it was sent back");
    batch.approve(&jaan(), 3).unwrap();
}

#[test]
fn every_item_under_review_is_decided_or_taken_out_with_a_reason() {
    let left = left("2016-03-14");
    let mut batch = proposed(&left);
    let key = (id(7), "service");
    let until = |d: &str, reason: &str| Change::Decide(Disposition::KeepUntil { until: day(d), reason: reason.into() });
    assert!(matches!(batch.finish_review(&mari(), 0), Err(BatchRefusal::Undecided { items: 1, .. })));
    for (key, change, refused) in [
        (key, Change::Exclude("  ".into()), "reason_missing"),
        (key, until("2031-01-01", ""), "reason_missing"),
        (key, until(TODAY, "uurimus"), "until_passed"),
        ((id(7), "pay"), Change::Decide(Disposition::Destroy), "not_for_review"),
        ((id(8), "pay"), Change::Include, "no_such_item"),
    ] {
        let good = ((id(7), "contact"), Change::Exclude("vaidlus".into()));
        let refusal = batch.review(&mari(), &[good, (key, change)], day(TODAY)).unwrap_err();
        assert_eq!(refusal.code(), refused);
        assert!(batch.items().iter().all(|i| i.excluded.is_none()), "a refused review changes nothing");
        assert_eq!((batch.revision(), batch.reviewed_by().len()), (0, 0));
    }
    let not = batch.review(&mari(), &[((id(7), "pay"), Change::Decide(Disposition::Destroy))], day(TODAY));
    assert_eq!(not.unwrap_err().clause().unwrap().0, "§ 19");
    batch.review(&mari(), &[(key, until("2031-01-01", "uurimus"))], day(TODAY)).unwrap();
    batch.finish_review(&mari(), 1).unwrap();
    assert!(batch.kept_until().is_empty(), "not before it is approved");
    batch.approve(&jaan(), 1).unwrap();
    let kept = batch.kept_until();
    assert_eq!((kept.len(), kept[0].0, kept[0].1.until), (1, id(7), day("2031-01-01")));
    batch.start(&job()).unwrap();
    let why = now_of(&facts(&left));
    for step in [Step::PackageWritten, Step::PackageVerified, Step::Stored] {
        batch.step_done(step).unwrap();
    }
    assert_eq!(batch.clear(key, fine(&why)).unwrap_err(), BatchRefusal::NoSuchItem, "what is kept is not erased");
}

#[test]
fn a_batch_is_cancelled_only_before_it_is_approved() {
    let left = left("2016-03-14");
    let mut batch = proposed(&left);
    assert_eq!(batch.cancel(""), Err(BatchRefusal::NoReason));
    batch.cancel("vale päev").unwrap();
    assert_eq!(batch.finish_review(&mari(), 0).unwrap_err().code(), "batch_state");
    let state = BatchState::Executing;
    assert_eq!(executing(&left).cancel("ei"), Err(BatchRefusal::WrongState { state }));
}

#[test]
fn an_empty_batch_or_one_that_names_something_twice_is_none() {
    let left = left("2016-03-14");
    assert_eq!(Batch::propose(id(1), job(), vec![]).unwrap_err(), BatchRefusal::Empty);
    let twice = [items(&left), items(&left)].concat();
    assert_eq!(Batch::propose(id(1), job(), twice).unwrap_err(), BatchRefusal::Twice);
    let mut batch = proposed(&left);
    let all = ["pay", "service", "contact"].map(|r| ((id(7), r), Change::Exclude("vaidlus".into())));
    batch.review(&mari(), &all, day(TODAY)).unwrap();
    assert_eq!(batch.finish_review(&mari(), 1), Err(BatchRefusal::Empty));
}

#[test]
fn nothing_is_erased_before_its_package_is_stored() {
    let left = left("2016-03-14");
    let why = now_of(&facts(&left));
    let mut batch = executing(&left);
    for step in [Step::PackageWritten, Step::PackageVerified, Step::Stored] {
        let refusal = batch.clear((id(7), "contact"), fine(&why)).unwrap_err();
        assert_eq!(refusal, BatchRefusal::OutOfOrder { next: Some(step) });
        assert!(batch.step_done(Step::Erased).is_err());
        batch.step_done(step).unwrap();
        batch.step_done(step).unwrap();
    }
    assert_eq!(batch.step_done(Step::Erased), Err(BatchRefusal::ItemsPending { items: 3 }));
}

#[test]
fn where_nothing_is_archived_there_is_no_package() {
    let left = left("2016-03-14");
    let only = items(&left).into_iter().filter(|i| i.rule == "contact").collect();
    let mut batch = Batch::propose(id(1), job(), only).unwrap();
    batch.finish_review(&mari(), 0).unwrap();
    batch.approve(&jaan(), 0).unwrap();
    assert_eq!(batch.next_step(), None, "not begun");
    batch.start(&job()).unwrap();
    batch.start(&job()).unwrap();
    assert_eq!(batch.next_step(), Some(Step::Erased));
}

#[test]
fn what_changed_since_the_approval_falls_out_with_its_reason() {
    let then = left("2016-03-14");
    let (later, earlier) = (left("2028-03-14"), left("2015-03-14"));
    let open = timeline(&[("2010-01-01", serde_json::json!({ "name": "x" }))]);
    let hold = hold(HoldScope::Record(id(7)));
    let base = facts(&then);
    let cases: Vec<(&str, Facts<'_>, bool)> = vec![
        ("held", Facts { holds: std::slice::from_ref(&hold), ..base.clone() }, false),
        ("open", Facts { blockers: vec![Blocker { kind: BlockerKind::Complaint, id: id(4) }], ..base.clone() }, false),
        ("open", Facts { blockers: vec![Blocker { kind: BlockerKind::Disclosure, id: id(4) }], ..base.clone() }, false),
        ("trigger_corrected", Facts { timeline: &later, ..base.clone() }, false),
        ("trigger_corrected", Facts { timeline: &earlier, ..base.clone() }, false),
        ("trigger_corrected", Facts { timeline: &open, ..base.clone() }, false),
        ("changed", Facts { version: 4, ..base.clone() }, false),
        ("disclosed", base.clone(), true),
    ];
    for (code, facts, disclosed_since_approval) in cases {
        let why = now_of(&facts);
        let now = Now { why: Some(&why), disclosed_since_approval };
        let mut batch = stored(&then);
        assert_eq!(batch.clear((id(7), "pay"), now).unwrap(), None, "{code}");
        let pay = batch.items().iter().find(|i| i.rule == "pay").unwrap();
        let Outcome::Dropped(reason) = &pay.outcome else { panic!("{code}: {:?}", pay.outcome) };
        assert_eq!(reason.code(), code);
        assert!(reason.to_string().contains("propose"), "it says what to do: {reason}");
        // The facts are as they were again; what fell out stays out.
        let good = now_of(&base);
        assert_eq!(batch.clear((id(7), "pay"), fine(&good)).unwrap(), None, "{code}");
    }
}

#[test]
fn a_rule_that_changed_meanwhile_takes_its_items_out() {
    let left = left("2016-03-14");
    let facts = facts(&left);
    let mut rules = rules();
    for changed in [
        rule("pay", Some("termination/date"), Some("P7Y"), "keep"),
        rule("pay", Some("termination/date"), Some("P75Y"), "archive"),
        rule("pay", Some("termination/date"), Some("P7Y"), "destroy"),
    ] {
        rules[1] = changed;
        let why = why(&sailor(), &rules, &facts, day(TODAY), &calendar());
        let item = items(&left).into_iter().find(|i| i.rule == "pay").unwrap();
        assert_eq!(recheck(&item, fine(&why)), Recheck::Dropped(DropReason::RuleChanged));
    }
}

#[test]
fn an_execution_that_was_killed_after_any_step_goes_on_and_ends_the_same() {
    let left = left("2016-03-14");
    let here = facts(&left);
    // What was erased before the kill, whether the batch had heard of it or not.
    for told in [false, true] {
        for erased_before in 0..=3 {
            let mut batch = stored(&left);
            let mut facts = here.clone();
            for rule in ["contact", "pay", "service"].into_iter().take(erased_before) {
                let why = now_of(&facts);
                let leave = batch.clear((id(7), rule), fine(&why)).unwrap().unwrap();
                for field in part_fields(&sailor(), rule) {
                    facts.fields.remove(&field);
                }
                if told {
                    batch.erased(leave).unwrap();
                }
            }
            let stored: Batch = serde_json::from_str(&serde_json::to_string(&batch).unwrap()).unwrap();
            let mut batch = stored;
            batch.start(&job()).unwrap();
            let mut again = 0;
            for rule in ["contact", "pay", "service"] {
                let why = now_of(&facts);
                if let Some(leave) = batch.clear((id(7), rule), fine(&why)).unwrap() {
                    batch.erased(leave).unwrap();
                    again += 1;
                }
            }
            assert_eq!(again, 3 - erased_before, "nothing is erased twice");
            batch.step_done(Step::Erased).unwrap();
            batch.step_done(Step::ActDrawn).unwrap();
            batch.step_done(Step::ActDrawn).unwrap();
            assert_eq!(batch.state(), BatchState::Done);
        }
    }
}

#[test]
fn a_part_that_counts_from_data_erased_before_it_goes_all_the_same() {
    let left = left("2016-03-14");
    let mut batch = stored(&left);
    let mut facts = facts(&left);
    let leave = batch.clear((id(7), "service"), fine(&now_of(&facts))).unwrap().unwrap();
    batch.erased(leave).unwrap();
    let without = timeline(&[("2010-01-01", serde_json::json!({ "wage": "900.00" }))]);
    facts.timeline = &without;
    facts.erased_starts.insert("termination/date".into(), day("2016-03-14"));
    assert!(batch.clear((id(7), "pay"), fine(&now_of(&facts))).unwrap().is_some());
    facts.erased_starts.clear();
    assert!(batch.clear((id(7), "contact"), fine(&now_of(&facts))).unwrap().is_none(), "where that was not noted");
}

#[test]
fn a_partial_failure_is_a_failure_with_the_list() {
    let left = left("2016-03-14");
    let why = now_of(&facts(&left));
    let mut batch = stored(&left);
    for rule in ["contact", "pay"] {
        let leave = batch.clear((id(7), rule), fine(&why)).unwrap().unwrap();
        batch.erased(leave).unwrap();
    }
    batch.failed((id(7), "service"), "disk_full").unwrap();
    batch.failed((id(7), "pay"), "disk_full").unwrap();
    batch.step_done(Step::Erased).unwrap();
    batch.step_done(Step::ActDrawn).unwrap();
    assert_eq!(batch.state(), BatchState::PartlyFailed);
    let list: Vec<_> = batch.failures().map(|(i, code)| (i.rule.as_str(), code)).collect();
    assert_eq!(list, [("service", "disk_full")], "what is gone has not failed");
}

#[test]
fn what_failed_can_be_tried_again_until_the_act_is_drawn_up() {
    let left = left("2016-03-14");
    let why = now_of(&facts(&left));
    let mut batch = stored(&left);
    batch.failed((id(7), "pay"), "disk_full").unwrap();
    let leave = batch.clear((id(7), "pay"), fine(&why)).unwrap().unwrap();
    batch.erased(leave).unwrap();
    assert_eq!(batch.failures().count(), 0);
}

#[test]
fn an_execution_that_cannot_go_on_is_given_up_with_everything_still_there() {
    let left = left("2016-03-14");
    let mut batch = executing(&left);
    batch.give_up("archive_refuses").unwrap();
    assert_eq!(batch.next_step(), Some(Step::ActDrawn));
    let why = now_of(&facts(&left));
    assert!(batch.clear((id(7), "pay"), fine(&why)).is_err(), "nothing is erased after that");
    assert!(batch.give_up("again").is_err());
    batch.step_done(Step::ActDrawn).unwrap();
    assert_eq!((batch.state(), batch.failures().count()), (BatchState::PartlyFailed, 3));
}

#[test]
fn nothing_that_is_held_or_not_due_gets_into_a_batch() {
    let left = left("2029-12-01");
    let early = now_of(&facts(&left));
    assert!(Item::of(&early, "sailor", "pay").is_none());
    let hold = hold(HoldScope::Record(id(7)));
    let left = super::samples::left("2016-03-14");
    let mut facts = facts(&left);
    facts.holds = std::slice::from_ref(&hold);
    assert!(Item::of(&now_of(&facts), "sailor", "pay").is_none());
}

#[test]
fn a_person_leaves_no_personal_code_in_a_log() {
    let left = left("2016-03-14");
    let text = format!("{:?}", executing(&left));
    assert!(!text.contains("48001010001") && !text.contains("38001010002"));
}
