//! Who may hold how many connections: weighted max-min filling by demand, under any set of ceilings. Pure arithmetic.
//!
//! All shares are raised together, one connection at a time; whoever meets a full ceiling is frozen, the others go on.
//! Before that, everybody who has work gets one, then everybody gets what the configuration guarantees. Where even
//! "everybody gets one" does not fit, the line that has been waiting longest goes first and keeps its turn for a while.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Now;

/// What one slice could use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Claim<'a> {
    /// The ceilings it stands under, as indices into the list of rooms.
    pub ceilings: &'a [usize],
    /// Connections guaranteed, wanted or not.
    pub floor: u32,
    /// Connections in use or asked for.
    pub work: u32,
    /// Connections it holds and is not asked to give back.
    pub held: u32,
    /// How much of a contended ceiling it gets beside others; at least 1.
    pub weight: u32,
    /// It has had its only connection for so short a time that taking it away would waste the dial.
    pub settling: bool,
    /// When the head of its line joined it; never, where nobody waits.
    pub oldest: Now,
}

impl Claim<'_> {
    /// The most it may get.
    fn demand(&self) -> u32 {
        self.floor.max(self.work)
    }
}

/// Steps of one connection are compared in this unit, so that weights divide without fractions.
const UNIT: u64 = 1_000_000;

/// Distributes `room` (free places by ceiling, those of the claimants included) over the claims, in their order.
pub(super) fn fill(claims: &[Claim<'_>], room: &mut [u32]) -> Vec<u32> {
    let mut shares = vec![0; claims.len()];
    raise(claims, &mut shares, room, |claim| claim.work.min(1));
    raise(claims, &mut shares, room, |claim| claim.floor);
    raise(claims, &mut shares, room, |claim| claim.demand());
    shares
}

/// Raises all shares together up to `goal`.
fn raise(claims: &[Claim<'_>], shares: &mut [u32], room: &mut [u32], goal: impl Fn(&Claim<'_>) -> u32) {
    let step = |index: usize, claim: &Claim<'_>, share: u32| {
        // At the first level turns are taken by age alone; above it, what is held stays where it is.
        let level = u64::from(share) * UNIT / u64::from(claim.weight.max(1));
        let keeps = if share == 0 { claim.settling } else { claim.held > share };
        Reverse((level, !keeps, claim.oldest, index))
    };
    let mut line: BinaryHeap<_> = claims
        .iter()
        .enumerate()
        .filter(|(index, claim)| shares[*index] < goal(claim))
        .map(|(index, claim)| step(index, claim, shares[index]))
        .collect();
    while let Some(Reverse((_, _, _, index))) = line.pop() {
        let claim = &claims[index];
        if claim.ceilings.iter().any(|ceiling| room[*ceiling] == 0) {
            continue;
        }
        for ceiling in claim.ceilings {
            room[*ceiling] = room[*ceiling].saturating_sub(1);
        }
        shares[index] += 1;
        if shares[index] < goal(claim) {
            line.push(step(index, claim, shares[index]));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOBODY: Now = Now::NEVER;

    fn claim(ceilings: &[usize], work: u32) -> Claim<'_> {
        Claim { ceilings, floor: 0, work, held: 0, weight: 1, settling: false, oldest: NOBODY }
    }

    #[test]
    fn a_small_demand_is_met_whole_and_the_rest_is_shared_evenly() {
        let claims = [claim(&[0], 2), claim(&[0], 20), claim(&[0], 20)];
        assert_eq!(fill(&claims, &mut [10]), [2, 4, 4]);
    }

    #[test]
    fn a_full_ceiling_freezes_only_those_under_it() {
        let claims = [claim(&[0, 1], 9), claim(&[0], 9)];
        assert_eq!(fill(&claims, &mut [10, 3]), [3, 7]);
    }

    #[test]
    fn minimums_come_before_fairness_and_work_before_idle_minimums() {
        let guaranteed = Claim { floor: 6, ..claim(&[0], 0) };
        let claims = [guaranteed.clone(), claim(&[0], 9)];
        assert_eq!(fill(&claims, &mut [9]), [6, 3]);
        let claims = [guaranteed, claim(&[0], 9)];
        assert_eq!(fill(&claims, &mut [6]), [5, 1]);
    }

    #[test]
    fn too_few_for_all_go_to_the_longest_wait_unless_somebody_settles() {
        let young = Claim { oldest: Now(50), ..claim(&[0], 1) };
        let old = Claim { oldest: Now(10), ..claim(&[0], 1) };
        assert_eq!(fill(&[young.clone(), old.clone()], &mut [1]), [0, 1]);
        assert_eq!(fill(&[Claim { settling: true, held: 1, ..young }, old], &mut [1]), [1, 0]);
    }

    #[test]
    fn an_odd_place_stays_with_its_holder() {
        let holder = Claim { held: 2, ..claim(&[0], 5) };
        assert_eq!(fill(&[claim(&[0], 5), holder], &mut [3]), [1, 2]);
    }

    #[test]
    fn weights_divide_what_is_contended() {
        let claims = [Claim { weight: 3, ..claim(&[0], 50) }, claim(&[0], 50)];
        assert_eq!(fill(&claims, &mut [12]), [9, 3]);
    }
}
