//! Matches on stored windows: what they are worth, and which of them say something new.
//!
//! A list built with windows of its pictures holds several hashes for one picture. Owns how a match
//! on a window is told from one on the picture; which windows there are is [`crate::variant`]'s,
//! how claims name them [`crate::list`]'s.

use super::{Level, Match};
use crate::list::Claim;

/// What was cut off, where every claim of an entry is on a window.
fn window_of(claims: &[Claim]) -> Option<&str> {
    let first = claims.first()?.stored_window()?;
    claims.iter().all(|claim| claim.stored_window().is_some()).then_some(first)
}

/// Level and variant of a match: on a window it is possible at best, and says so.
pub(super) fn honest(level: Level, variant: String, claims: &[Claim]) -> (Level, String) {
    match window_of(claims) {
        Some(window) => (level.max(Level::Possible), format!("{variant} + stored-window {window}")),
        None => (level, variant),
    }
}

/// Takes out matches on windows of pictures that are matched as a whole, or on a nearer window:
/// they are the same statement again.
pub(super) fn drop_repeated(matches: &mut Vec<Match>) {
    if matches.iter().all(|found| window_of(&found.claims).is_none()) {
        return;
    }
    let by_place = |found: &Match| (window_of(&found.claims).is_some(), found.distance);
    let mut order: Vec<usize> = (0..matches.len()).collect();
    order.sort_by_key(|at| by_place(&matches[*at]));
    let mut kept = vec![false; matches.len()];
    for (rank, &at) in order.iter().enumerate() {
        let found = &matches[at];
        let says_it = |other: &usize| kept[*other] && says_same(&matches[*other], found);
        kept[at] = window_of(&found.claims).is_none() || !order[..rank].iter().any(says_it);
    }
    let mut kept = kept.into_iter();
    matches.retain(|_| kept.next().unwrap_or(true));
}

/// Whether `first` names every picture that `second` names, of the same list.
fn says_same(first: &Match, second: &Match) -> bool {
    let names = |claim: &Claim| {
        let same = |other: &Claim| (&other.source, &other.record) == (&claim.source, &claim.record);
        claim.record.is_some() && first.claims.iter().any(same)
    };
    first.list == second.list && second.claims.iter().all(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(record: &str, window: Option<&str>) -> Claim {
        let claim = Claim { record: Some(record.to_owned()), ..Claim::default() };
        window.map_or_else(|| claim.clone(), |window| claim.on_window(window.to_owned()))
    }

    fn found(distance: u32, claims: Vec<Claim>) -> Match {
        let (level, variant) = honest(Level::Near, "original".to_owned(), &claims);
        Match {
            level,
            list: "known".into(),
            entry: distance,
            algorithm: "pdq",
            distance,
            variant,
            chance: None,
            negative: false,
            conflict: false,
            claims,
        }
    }

    #[test]
    fn a_window_is_possible_at_best_and_named() {
        let window = found(4, vec![claim("a", Some("left=25.0%"))]);
        assert_eq!(window.level, Level::Possible);
        assert_eq!(window.variant, "original + stored-window left=25.0%");
        let whole = found(4, vec![claim("a", Some("left=25.0%")), claim("b", None)]);
        assert_eq!((whole.level, whole.variant.as_str()), (Level::Near, "original"));
        assert_eq!(honest(Level::Exact, "original".to_owned(), &[]).0, Level::Exact);
    }

    #[test]
    fn windows_of_a_matched_picture_are_left_out() {
        let mut matches = vec![
            found(9, vec![claim("b", Some("top=50.0%"))]),
            found(20, vec![claim("a", None)]),
            found(4, vec![claim("a", Some("left=25.0%"))]),
            found(7, vec![claim("b", Some("left=12.5%"))]),
        ];
        drop_repeated(&mut matches);
        assert_eq!(matches.iter().map(|found| found.entry).collect::<Vec<_>>(), [20, 7]);
    }

    #[test]
    fn pictures_without_a_record_id_are_never_taken_for_the_same() {
        let nameless = || Claim::default().on_window("top=50.0%".to_owned());
        let mut matches = vec![found(9, vec![nameless()]), found(4, vec![nameless()])];
        drop_repeated(&mut matches);
        assert_eq!(matches.len(), 2);
    }
}
