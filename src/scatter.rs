//! Moving rows into groups with several threads at once, each group in the order of its rows.
//!
//! Owns the places that the rows of each block go to. Which group a row belongs to is the business of
//! those who sort and of the indexes.

use std::ops::Range;
use std::slice::IterMut;

use crate::num;

/// Where the rows of each of some consecutive blocks go: for each of `groups` a run of `out`.
///
/// In `out` the groups stand one after another, and in each group the blocks do; `count(block, group)`
/// says how many rows of a block are in a group.
pub(crate) fn runs<T>(
    mut out: &mut [T],
    blocks: usize,
    groups: Range<usize>,
    count: impl Fn(usize, usize) -> u32,
) -> Vec<Vec<IterMut<'_, T>>> {
    let mut runs: Vec<Vec<_>> = Vec::new();
    runs.resize_with(blocks, || Vec::with_capacity(groups.len()));
    for group in groups {
        for (block, runs) in runs.iter_mut().enumerate() {
            let (run, others) = out.split_at_mut(num::index(count(block, group)));
            runs.push(run.iter_mut());
            out = others;
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_keep_the_order_of_blocks() {
        let blocks = [[3, 0, 1], [1, 2, 1]];
        let mut out = [0; 6];
        let mut runs = runs(&mut out, 2, 0..2, |block, group| blocks[block][group]);
        for (number, runs) in (1..).zip(&mut runs) {
            runs.iter_mut().flatten().for_each(|place| *place = number);
        }
        assert!(runs[1][1].next().is_none());
        drop(runs);
        assert_eq!(out, [1, 1, 1, 2, 2, 2]);
    }
}
