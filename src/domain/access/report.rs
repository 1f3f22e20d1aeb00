//! Who could see something at an instant: the grants as the log of granting knew them then.
//!
//! The log is the truth, not the table of grants, which holds only what has come of it. What a grant was at an
//! instant is what its last act before said; an ending ends it. A grant that is there may still be without force:
//! outside its days, or because the employment of its holder had ended.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

use super::Grant;

/// One act of the log of granting.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantAct {
    /// Id: acts of one instant are in its order.
    pub id: Uuid,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Which grant.
    pub grant_id: Uuid,
    /// What it was from then on; `None`: it was ended.
    pub after: Option<Grant>,
}

/// One act of the log of leaving: the employment of a user ends, or does not end after all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeaverAct {
    /// Id: acts of one instant are in its order.
    pub id: Uuid,
    /// When.
    pub recorded_at: DateTime<Utc>,
    /// Whose.
    pub user_id: Uuid,
    /// Last day of the employment; `None`: it does not end.
    pub last_day: Option<NaiveDate>,
}

/// The grants as they were known at `instant`, by id, whatever the order of `log`. Those that were ended are not
/// among them; those outside their days are.
pub fn grants_at(log: &[GrantAct], instant: DateTime<Utc>) -> Vec<Grant> {
    let mut last: BTreeMap<Uuid, &GrantAct> = BTreeMap::new();
    for act in log.iter().filter(|a| a.recorded_at <= instant) {
        let newest = last.entry(act.grant_id).or_insert(act);
        if (newest.recorded_at, newest.id) < (act.recorded_at, act.id) {
            *newest = act;
        }
    }
    last.into_values().filter_map(|act| act.after.clone()).filter(|g| !g.revoked).collect()
}

/// The last days of employment as they were known at `instant`, by user.
pub fn leavers_at(log: &[LeaverAct], instant: DateTime<Utc>) -> BTreeMap<Uuid, NaiveDate> {
    let mut last: BTreeMap<Uuid, &LeaverAct> = BTreeMap::new();
    for act in log.iter().filter(|a| a.recorded_at <= instant) {
        let newest = last.entry(act.user_id).or_insert(act);
        if (newest.recorded_at, newest.id) < (act.recorded_at, act.id) {
            *newest = act;
        }
    }
    last.into_iter().filter_map(|(user, act)| Some((user, act.last_day?))).collect()
}

/// Whether `grant` could be acted on that day by somebody whose employment ends on `last_day`, if it does: from the
/// day after, what they held until then is without force.
pub fn had_force(grant: &Grant, last_day: Option<NaiveDate>, day: NaiveDate) -> bool {
    grant.in_force(day) && last_day.is_none_or(|last| day <= last || last < grant.from)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chrono::Days;
    use proptest::prelude::*;

    use super::*;
    use crate::domain::access::grant::Basis;

    /// What can happen to rights. Numbers choose among what there is.
    #[derive(Debug, Clone)]
    enum Happens {
        Issued { user: u8, from: u8, days: Option<u8> },
        Changed { which: u8, from: u8, days: Option<u8> },
        Revoked { which: u8 },
        Leaves { user: u8, last: u8 },
        Stays { user: u8 },
    }

    fn happens() -> impl Strategy<Value = Happens> {
        let days = || proptest::option::of(0_u8..60);
        prop_oneof![
            4 => (0_u8..6, 0_u8..120, days()).prop_map(|(user, from, days)| Happens::Issued { user, from, days }),
            3 => (any::<u8>(), 0_u8..120, days()).prop_map(|(which, from, days)| Happens::Changed { which, from, days }),
            3 => any::<u8>().prop_map(|which| Happens::Revoked { which }),
            1 => (0_u8..6, 0_u8..120).prop_map(|(user, last)| Happens::Leaves { user, last }),
            1 => (0_u8..6).prop_map(|user| Happens::Stays { user }),
        ]
    }

    fn day(n: u8) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(u64::from(n))
    }

    /// The instant of the n-th act; two fall on one day, two acts sometimes on one instant.
    fn at(n: usize) -> DateTime<Utc> {
        let hours = chrono::TimeDelta::hours(i64::try_from(n / 2 * 2).unwrap() * 12);
        day(0).and_hms_opt(8, 0, 0).unwrap().and_utc() + hours
    }

    fn user(n: u8) -> Uuid {
        Uuid::from_u128(u128::from(n) + 1)
    }

    fn grant(id: Uuid, holder: Uuid, from: u8, days: Option<u8>) -> Grant {
        Grant {
            id,
            user_id: holder,
            role: "clerk".into(),
            institution_id: None,
            sections: None,
            from: day(from),
            until: days.map(|d| day(from) + Days::new(u64::from(d))),
            basis: Basis { kind: "directive".into(), reference: "1".into() },
            task: None,
            application_id: None,
            revoked: false,
            version: 1,
        }
    }

    /// What the register held after each act, replayed the slow way: the whole state, act by act.
    #[derive(Clone, Default)]
    struct World {
        grants: Vec<Grant>,
        leaving: Vec<(Uuid, NaiveDate)>,
    }

    impl World {
        fn may(&self, day: NaiveDate) -> BTreeSet<Uuid> {
            let gone =
                |g: &Grant| self.leaving.iter().any(|(who, last)| *who == g.user_id && *last < day && g.from <= *last);
            self.grants
                .iter()
                .filter(|g| g.from <= day && g.until.is_none_or(|u| u >= day) && !gone(g))
                .map(|g| g.id)
                .collect()
        }
    }

    fn replay(history: &[Happens]) -> (Vec<GrantAct>, Vec<LeaverAct>, Vec<World>) {
        let (mut grants, mut leavers, mut worlds) = (Vec::new(), Vec::new(), Vec::new());
        let mut world = World::default();
        for (n, what) in history.iter().enumerate() {
            let id = Uuid::from_u128(1_000 + n as u128);
            let recorded_at = at(n);
            let mut log = |grant_id: Uuid, after: Option<Grant>| {
                grants.push(GrantAct { id, recorded_at, grant_id, after });
            };
            match what {
                Happens::Issued { user: holder, from, days } => {
                    let new = grant(Uuid::from_u128(5_000 + n as u128), user(*holder), *from, *days);
                    log(new.id, Some(new.clone()));
                    world.grants.push(new);
                }
                Happens::Changed { which, from, days } if !world.grants.is_empty() => {
                    let place = usize::from(*which) % world.grants.len();
                    let old = &world.grants[place];
                    let new = grant(old.id, old.user_id, *from, *days);
                    log(new.id, Some(new.clone()));
                    world.grants[place] = new;
                }
                Happens::Revoked { which } if !world.grants.is_empty() => {
                    let ended = world.grants.remove(usize::from(*which) % world.grants.len());
                    log(ended.id, None);
                }
                Happens::Leaves { user: who, last } => {
                    let (user_id, last) = (user(*who), day(*last));
                    leavers.push(LeaverAct { id, recorded_at, user_id, last_day: Some(last) });
                    world.leaving.retain(|(w, _)| *w != user_id);
                    world.leaving.push((user_id, last));
                }
                Happens::Stays { user: who } => {
                    leavers.push(LeaverAct { id, recorded_at, user_id: user(*who), last_day: None });
                    world.leaving.retain(|(w, _)| *w != user(*who));
                }
                Happens::Changed { .. } | Happens::Revoked { .. } => {}
            }
            worlds.push(world.clone());
        }
        (grants, leavers, worlds)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn who_could_act_at_any_instant_is_what_a_replay_of_the_whole_history_says(
            history in proptest::collection::vec(happens(), 50..90),
            shuffle in any::<u64>(),
        ) {
            let (mut grants, mut leavers, worlds) = replay(&history);
            // The order of the rows must not matter.
            let turn = |n: usize| if n == 0 { 0 } else { usize::try_from(shuffle % n as u64).unwrap() };
            let (a, b) = (turn(grants.len()), turn(leavers.len()));
            grants.rotate_left(a);
            leavers.rotate_left(b);
            // Before the first act, at each, between each two, and long after the last.
            let before = chrono::TimeDelta::microseconds(1);
            for n in 0..history.len() {
                for instant in [at(n) - before, at(n), at(n) + before] {
                    let last = (0..history.len()).rfind(|k| at(*k) <= instant);
                    let world = last.map(|k| worlds[k].clone()).unwrap_or_default();
                    for on in [instant.date_naive(), instant.date_naive() + Days::new(30)] {
                        let leaving = leavers_at(&leavers, instant);
                        let found: BTreeSet<Uuid> = grants_at(&grants, instant)
                            .iter()
                            .filter(|g| had_force(g, leaving.get(&g.user_id).copied(), on))
                            .map(|g| g.id)
                            .collect();
                        prop_assert_eq!(&found, &world.may(on), "at {} for {}", instant, on);
                    }
                }
            }
        }
    }

    #[test]
    fn the_last_day_of_employment_is_the_last_day_of_access() {
        let held = grant(Uuid::from_u128(1), user(0), 0, None);
        assert!(had_force(&held, Some(day(10)), day(10)));
        assert!(!had_force(&held, Some(day(10)), day(11)));
        let returned = grant(Uuid::from_u128(2), user(0), 20, None);
        assert!(had_force(&returned, Some(day(10)), day(20)), "what is granted anew afterwards holds");
    }
}
