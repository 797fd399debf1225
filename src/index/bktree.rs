//! The BK-tree, flat and without pointers.
//!
//! Owns the tree's bytes and its search; `build` grows one. The order of the column is the tree:
//! every node is a range of rows whose first row is the pivot; the other rows of the range are
//! grouped by their exact distance to the pivot, and each group is a child. So the tree needs no
//! ids, its leaves are consecutive rows that the scan kernel takes at full speed, and a few bytes
//! a node remain. Same set of rows, same order, same bytes.
//!
//! Source: W. A. Burkhard, R. M. Keller, "Some approaches to best-match file searching", CACM
//! 16(4), 1973, structure 1; by the triangle inequality a child at distance `c` from a pivot that
//! is `d` from the query holds nothing within `r` unless `d - r <= c <= d + r`.
//!
//! # Bytes
//!
//! Little-endian. A header, then the nodes in order of depth, the root first.
//!
//! | offset | size | field | valid |
//! | --- | --- | --- | --- |
//! | 0 | 4 | version | 1 |
//! | 4 | 4 | width of the hashes in bits | 64 or 256 |
//! | 8 | 4 | number of entries | the column's |
//! | 12 | 4 | number of nodes | 1 to twice the entries; 0 where the column is empty |
//! | 16 | 12 × nodes | nodes | |
//!
//! | offset | size | field of a node | valid |
//! | --- | --- | --- | --- |
//! | 0 | 4 | first row; the range ends where the next sibling or, for the last, the parent ends | inside the parent's range, ascending |
//! | 4 | 4 | number of the first child | 0 in a leaf |
//! | 8 | 2 | number of children | 0 in a leaf |
//! | 10 | 2 | distance to the parent's pivot | 0 to the width; 0 in the root |
//!
//! Opening checks the header and the length. Nodes are checked where a search meets them: a child
//! must start inside what is left of its parent's range, so no damage makes a search visit more
//! nodes than there are rows.
//!
//! # Floods
//!
//! A list may be flooded with hashes that are all close together or all equally far apart. Groups
//! then hardly divide; a largest depth ends such a branch in one large leaf, which is a scan.

use crate::bits::BitHash;
use crate::index::linear::scan_rows;
use crate::index::{Column, EntryId, ErrorKind, Index, IndexError, Neighbor};
use crate::num;

mod build;

pub use build::build;
pub(crate) use build::{Nodes, order, order_spilled};

const SECTION: &str = "bk-tree";
const VERSION: u32 = 1;
const HEADER_LEN: usize = 16;
const NODE_LEN: usize = 12;

/// Distances are at most the widest hash.
const MAX_DISTANCE: usize = 256;

/// A hash and what the caller wants carried along while rows change places.
pub type Row<H> = (H, u32);

/// A search tree over a column that [`build()`] put in order.
#[derive(Clone, Copy, Debug)]
pub struct BkTree<'a, H> {
    column: Column<'a, H>,
    nodes: &'a [u8],
}

/// A node as its bytes say.
#[derive(Clone, Copy)]
struct Node {
    start: u32,
    first_child: u32,
    child_count: u16,
    distance: u16,
}

/// A node with the end of its rows, which is its sibling's or its parent's to say.
#[derive(Clone, Copy)]
struct Span {
    node: Node,
    end: u32,
}

impl<'a, H: BitHash> BkTree<'a, H> {
    /// The tree in `section` over `column`. Takes constant time.
    ///
    /// # Errors
    /// When the header is not of this version, or was written for another column.
    pub fn from_bytes(column: Column<'a, H>, section: &'a [u8]) -> Result<Self, IndexError> {
        let field = |at| num::read_u32(section, at).unwrap_or(0);
        let expected_fields =
            [("version", 0, VERSION), ("width", 4, H::BITS), ("entries", 8, column.len())];
        for (name, at, expected) in expected_fields {
            if field(at) != expected {
                return Err(IndexError::new(ErrorKind::Header {
                    section: SECTION,
                    field: name,
                    expected: expected.into(),
                    found: field(at).into(),
                }));
            }
        }
        let expected = num::to_u64(HEADER_LEN) + num::to_u64(NODE_LEN) * u64::from(field(12));
        let found = num::to_u64(section.len());
        if found != expected {
            let kind = ErrorKind::SectionLen { section: SECTION, expected, found };
            return Err(IndexError::new(kind));
        }
        Ok(Self { column, nodes: &section[HEADER_LEN..] })
    }

    fn node(&self, number: u32) -> Option<Node> {
        let at = num::index(number).checked_mul(NODE_LEN)?;
        let bytes = self.nodes.get(at..at.checked_add(NODE_LEN)?)?;
        Some(Node {
            start: num::read_u32(bytes, 0)?,
            first_child: num::read_u32(bytes, 4)?,
            child_count: num::read_u16(bytes, 8)?,
            distance: num::read_u16(bytes, 10)?,
        })
    }

    /// Searches until more than `budget` rows had to be looked at; `false` then, and `out` is not
    /// an answer.
    pub(crate) fn search_within(
        &self,
        query: H,
        radius: u32,
        budget: u64,
        out: &mut Vec<Neighbor>,
    ) -> bool {
        out.clear();
        let mut visit = Visit { tree: self, query, radius, budget, pending: (0, 0), out };
        let done = visit.run();
        out.sort_unstable();
        done
    }
}

impl<H: BitHash> Index<H> for BkTree<'_, H> {
    fn search(&self, query: H, radius: u32, out: &mut Vec<Neighbor>) {
        self.search_within(query, radius, u64::MAX, out);
    }
}

/// One search on its way through the tree.
struct Visit<'t, 'a, H> {
    tree: &'t BkTree<'a, H>,
    query: H,
    radius: u32,
    /// Rows that may still be looked at.
    budget: u64,
    /// Rows of leaves not yet scanned: neighbouring leaves are one call of the kernel.
    pending: (u32, u32),
    out: &'t mut Vec<Neighbor>,
}

impl<H: BitHash> Visit<'_, '_, H> {
    fn run(&mut self) -> bool {
        let Some(root) = self.tree.node(0) else { return true };
        let mut stack = vec![Span { node: root, end: self.tree.column.len() }];
        while let Some(span) = stack.pop() {
            let is_leaf = span.node.child_count == 0;
            let done = if is_leaf { self.leaf(span) } else { self.inner(span, &mut stack) };
            if !done {
                return false;
            }
        }
        self.flush()
    }

    fn leaf(&mut self, span: Span) -> bool {
        if span.node.start != self.pending.1 {
            if !self.flush() {
                return false;
            }
            self.pending.0 = span.node.start;
        }
        self.pending.1 = span.end;
        true
    }

    fn flush(&mut self) -> bool {
        let (start, end) = std::mem::take(&mut self.pending);
        let Some(budget) = self.budget.checked_sub(u64::from(end.saturating_sub(start))) else {
            return false;
        };
        self.budget = budget;
        scan_rows(self.tree.column, start, end, self.query, self.radius, self.out);
        true
    }

    /// Looks at the pivot and puts the children that the radius reaches on the stack, so that the
    /// first is taken first.
    fn inner(&mut self, parent: Span, stack: &mut Vec<Span>) -> bool {
        let entry = EntryId(parent.node.start);
        let Some(pivot) = self.tree.column.get(entry) else { return true };
        let distance = pivot.distance(self.query);
        if distance <= self.radius {
            self.out.push(Neighbor { distance, entry });
        }
        let least = distance.saturating_sub(self.radius);
        let most = distance.saturating_add(self.radius);
        let bottom = stack.len();
        for child in Children::of(self.tree, parent) {
            if (least..=most).contains(&u32::from(child.node.distance)) {
                stack.push(child);
            }
        }
        stack[bottom..].reverse();
        // A line of memory and a list of children: about as much as this many rows of a leaf.
        self.budget = self.budget.saturating_sub(64);
        self.budget > 0
    }
}

/// The children of a node, as far as they lie in order inside its rows.
struct Children<'t, 'a, H> {
    tree: &'t BkTree<'a, H>,
    next: Option<Node>,
    numbers: std::ops::Range<u32>,
    parent_end: u32,
}

impl<'t, 'a, H: BitHash> Children<'t, 'a, H> {
    fn of(tree: &'t BkTree<'a, H>, parent: Span) -> Self {
        let end = parent.node.first_child.saturating_add(parent.node.child_count.into());
        let mut numbers = parent.node.first_child..end;
        let next = numbers.next().and_then(|number| tree.node(number));
        // The pivot belongs to the parent: a child that claims it would be visited for ever.
        let next = next.filter(|first| first.start > parent.node.start);
        Self { tree, next, numbers, parent_end: parent.end }
    }
}

impl<H: BitHash> Iterator for Children<'_, '_, H> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        let node = self.next.filter(|node| node.start < self.parent_end)?;
        self.next = self.numbers.next().and_then(|number| self.tree.node(number));
        let end = self.next.map_or(self.parent_end, |sibling| sibling.start.min(self.parent_end));
        self.next = self.next.filter(|sibling| sibling.start > node.start);
        (end > node.start).then_some(Span { node, end })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::{Hash64, Hash256};
    use crate::index::linear::Linear;

    fn random_rows(count: u32) -> Vec<Row<Hash256>> {
        let hash = |i: u64| Hash256::from_words([0, 1, 2, 3].map(|word| num::spread(i * 4 + word)));
        (0..count).map(|i| (hash(i.into()), i)).collect()
    }

    fn column_bytes<H: BitHash>(rows: &[Row<H>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        rows.iter().for_each(|row| row.0.push_to(&mut bytes));
        bytes
    }

    #[test]
    fn order_of_the_input_does_not_change_the_bytes() {
        let mut rows = random_rows(3000);
        let mut reversed: Vec<_> = rows.iter().rev().copied().collect();
        assert_eq!(build(&mut rows), build(&mut reversed));
        assert_eq!(rows, reversed);
    }

    #[test]
    fn an_empty_column_has_an_empty_tree() {
        let section = build::<Hash64>(&mut []).unwrap();
        let tree = BkTree::from_bytes(Column::<Hash64>::new(&[]).unwrap(), &section).unwrap();
        let mut out = vec![Neighbor { distance: 0, entry: EntryId(0) }];
        tree.search(Hash64::default(), 64, &mut out);
        assert!(out.is_empty());
    }

    #[test]
    fn a_tree_takes_at_most_five_bytes_an_entry() {
        let mut rows = random_rows(50_000);
        let section = build(&mut rows).unwrap();
        assert!(section.len() <= 5 * rows.len(), "{} bytes", section.len());
    }

    #[test]
    fn a_small_radius_leaves_most_rows_alone() {
        let mut rows = random_rows(50_000);
        let section = build(&mut rows).unwrap();
        let bytes = column_bytes(&rows);
        let tree = BkTree::from_bytes(Column::new(&bytes).unwrap(), &section).unwrap();
        let mut out = Vec::new();
        assert!(tree.search_within(rows[7].0, 0, 2_000, &mut out));
        assert_eq!(out, [Neighbor { distance: 0, entry: EntryId(7) }]);
        assert!(!tree.search_within(rows[7].0, 128, 2_000, &mut out));
    }

    #[test]
    fn another_columns_tree_is_refused() {
        let mut rows = random_rows(300);
        let section = build(&mut rows).unwrap();
        let bytes = column_bytes(&rows[1..]);
        let error = BkTree::from_bytes(Column::<Hash256>::new(&bytes).unwrap(), &section);
        let text = "the bk-tree section has entries 300, expected 299";
        assert_eq!(error.unwrap_err().to_string(), text);
    }

    #[test]
    fn damaged_nodes_never_invent_entries() {
        let mut rows = random_rows(600);
        let section = build(&mut rows).unwrap();
        let bytes = column_bytes(&rows);
        let column = Column::new(&bytes).unwrap();
        let (mut all, mut out) = (Vec::new(), Vec::new());
        Linear::new(column).search(rows[3].0, 120, &mut all);
        for at in 0..section.len() {
            for flip in [1, 0x80, 0xff] {
                let mut damaged = section.clone();
                damaged[at] ^= flip;
                let Ok(tree) = BkTree::from_bytes(column, &damaged) else { continue };
                tree.search(rows[3].0, 120, &mut out);
                assert!(out.iter().all(|found| all.binary_search(found).is_ok()));
                assert!(out.windows(2).all(|pair| pair[0] < pair[1]), "an entry came twice");
            }
            let cut = BkTree::<Hash256>::from_bytes(column, &section[..at]);
            assert!(cut.is_err());
        }
    }
}
