use crate::joint_space::distance;

/// Configurations in one leaf of the search tree before it is split.
const LEAF_SIZE: usize = 32;
/// Distances that are reckoned together.
const ROW: usize = 8;
/// The bound on all reaches is made tight again after so many changes of one.
const CHANGES_A_RECKONING: u32 = 128;
const NONE: u32 = u32::MAX;

/// Configurations with their parents, and a k-d tree over them that grows as they come.
///
/// The search works in single precision, a leaf's configurations side by side, so that distances
/// to all of them are reckoned together; each cell knows the box around what it holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    dim: usize,
    points: Vec<f64>,
    parents: Vec<u32>,
    /// Samples farther from a node than its reach are not worth a try (dynamic domain).
    reaches: Vec<f64>,
    /// Nodes whose reach is infinite, and a bound on the reaches of all others.
    unbounded: usize,
    most_reach: f64,
    changes: u32,
    cells: Vec<Cell>,
    /// Lows, then highs of each cell's box.
    boxes: Vec<f32>,
    /// For each leaf the first joint of all its configurations, then the second, ...
    leaves: Vec<f32>,
    query: Vec<f32>,
}

#[derive(Clone, Debug)]
enum Cell {
    /// Where its configurations are stored, and which they are.
    Leaf {
        place: usize,
        members: Vec<u32>,
    },
    Split {
        joint: usize,
        at: f32,
        below: usize,
        above: usize,
    },
}

impl Tree {
    /// Empties the tree, keeping its memory.
    pub fn reset(&mut self, dim: usize) {
        self.dim = dim;
        self.points.clear();
        self.parents.clear();
        self.reaches.clear();
        self.unbounded = 0;
        self.most_reach = 0.0;
        self.cells.clear();
        self.boxes.clear();
        self.leaves.clear();
        self.add_leaf(Vec::with_capacity(LEAF_SIZE));
    }

    pub fn len(&self) -> usize {
        self.parents.len()
    }

    pub fn point(&self, index: u32) -> &[f64] {
        let start = index as usize * self.dim;
        &self.points[start..start + self.dim]
    }

    pub fn reach(&self, index: u32) -> f64 {
        self.reaches[index as usize]
    }

    pub fn set_reach(&mut self, index: u32, reach: f64) {
        let old = std::mem::replace(&mut self.reaches[index as usize], reach);
        self.unbounded -= usize::from(old.is_infinite());
        self.unbounded += usize::from(reach.is_infinite());
        if reach.is_finite() {
            self.most_reach = self.most_reach.max(reach);
        }
        self.changes += 1;
        if self.changes.is_multiple_of(CHANGES_A_RECKONING) {
            let finite = self.reaches.iter().copied().filter(|reach| reach.is_finite());
            self.most_reach = finite.fold(0.0, f64::max);
        }
    }

    /// No node reaches farther than this.
    pub fn most_reach(&self) -> f64 {
        if self.unbounded > 0 { f64::INFINITY } else { self.most_reach }
    }

    /// The box around all configurations: lows, highs.
    pub fn around(&self) -> (&[f32], &[f32]) {
        self.boxes[..2 * self.dim].split_at(self.dim)
    }

    pub fn add_root(&mut self, q: &[f64]) -> u32 {
        self.insert(q, NONE)
    }

    pub fn add(&mut self, q: &[f64], parent: u32) -> u32 {
        self.insert(q, parent)
    }

    fn insert(&mut self, q: &[f64], parent: u32) -> u32 {
        let index = self.parents.len() as u32;
        self.points.extend_from_slice(q);
        self.parents.push(parent);
        self.reaches.push(f64::INFINITY);
        self.unbounded += 1;
        self.file(index, 0);
        index
    }

    /// Puts a configuration into the leaf below `cell` where it belongs.
    fn file(&mut self, index: u32, mut cell: usize) {
        let dim = self.dim;
        loop {
            let q = &self.points[index as usize * dim..][..dim];
            let (lows, highs) = self.boxes[2 * dim * cell..2 * dim * (cell + 1)].split_at_mut(dim);
            for ((low, high), &value) in lows.iter_mut().zip(highs).zip(q) {
                (*low, *high) = (low.min(value as f32), high.max(value as f32));
            }
            match &mut self.cells[cell] {
                Cell::Split { joint, at, below, above } => {
                    cell = if (q[*joint] as f32) < *at { *below } else { *above };
                }
                Cell::Leaf { members, .. } if members.len() == LEAF_SIZE => {
                    if !self.split(cell) {
                        return; // one more of what is there many times
                    }
                }
                Cell::Leaf { place, members } => {
                    for (joint, &value) in q.iter().enumerate() {
                        self.leaves[*place + joint * LEAF_SIZE + members.len()] = value as f32;
                    }
                    members.push(index);
                    return;
                }
            }
        }
    }

    fn add_leaf(&mut self, members: Vec<u32>) -> usize {
        let place = self.leaves.len();
        self.leaves.resize(place + self.dim * LEAF_SIZE, 0.0);
        self.cells.push(Cell::Leaf { place, members });
        self.boxes.resize(self.boxes.len() + self.dim, f32::INFINITY);
        self.boxes.resize(self.boxes.len() + self.dim, f32::NEG_INFINITY);
        self.cells.len() - 1
    }

    /// Splits a full leaf in the middle of its widest joint; not if it holds one configuration
    /// many times.
    fn split(&mut self, cell: usize) -> bool {
        let (lows, highs) = self.boxes[2 * self.dim * cell..][..2 * self.dim].split_at(self.dim);
        let spans = lows.iter().zip(highs).map(|(low, high)| high - low).enumerate();
        let widest = spans.max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((joint, _)) = widest.filter(|(_, span)| *span > 0.0) else { return false };
        let (low, high) = (lows[joint], highs[joint]);
        let middle = 0.5 * (low + high);
        let at = if middle > low { middle } else { high };
        let below = self.add_leaf(Vec::with_capacity(LEAF_SIZE));
        let above = self.add_leaf(Vec::with_capacity(LEAF_SIZE));
        let split = Cell::Split { joint, at, below, above };
        if let Cell::Leaf { members, .. } = std::mem::replace(&mut self.cells[cell], split) {
            for member in members {
                let value = self.point(member)[joint] as f32;
                self.file(member, if value < at { below } else { above });
            }
        }
        true
    }

    /// Nearest configuration to `q` and its distance. The tree is not empty.
    pub fn nearest(&mut self, q: &[f64]) -> (u32, f64) {
        self.nearest_within(q, f64::INFINITY).unwrap_or((0, f64::INFINITY))
    }

    /// The same, if it is no farther than `reach`.
    pub fn nearest_within(&mut self, q: &[f64], reach: f64) -> Option<(u32, f64)> {
        self.query.clear();
        self.query.extend(q.iter().map(|&value| value as f32));
        let reach = reach as f32;
        let mut best = (NONE, reach * reach);
        self.search(0, &mut best);
        (best.0 != NONE).then(|| (best.0, distance(self.point(best.0), q)))
    }

    fn search(&self, cell: usize, best: &mut (u32, f32)) {
        match &self.cells[cell] {
            Cell::Leaf { place, members } => self.search_leaf(*place, members, best),
            &Cell::Split { below, above, .. } => {
                let (to_below, to_above) = (self.squared_to_box(below), self.squared_to_box(above));
                let (near, far) = if to_below < to_above {
                    ((below, to_below), (above, to_above))
                } else {
                    ((above, to_above), (below, to_below))
                };
                for (cell, squared) in [near, far] {
                    if squared < best.1 {
                        self.search(cell, best);
                    }
                }
            }
        }
    }

    fn search_leaf(&self, place: usize, members: &[u32], best: &mut (u32, f32)) {
        for (row, members) in members.chunks(ROW).enumerate() {
            let mut squared = [0.0; ROW];
            for (joint, value) in self.query.iter().enumerate() {
                let start = place + joint * LEAF_SIZE + row * ROW;
                let Some(others) = self.leaves[start..].first_chunk::<ROW>() else { return };
                for (sum, other) in squared.iter_mut().zip(others) {
                    *sum += (other - value) * (other - value);
                }
            }
            for (&member, &squared) in members.iter().zip(&squared) {
                if squared < best.1 {
                    *best = (member, squared);
                }
            }
        }
    }

    #[inline]
    fn squared_to_box(&self, cell: usize) -> f32 {
        let (lows, highs) = self.boxes[2 * self.dim * cell..][..2 * self.dim].split_at(self.dim);
        let outside = |((low, high), value): ((&f32, &f32), &f32)| {
            let excess = (low - value).max(value - high).max(0.0);
            excess * excess
        };
        lows.iter().zip(highs).zip(&self.query).map(outside).sum()
    }

    /// From `index` back to its root.
    pub fn branch(&self, index: u32) -> impl Iterator<Item = &[f64]> + '_ {
        let mut next = index;
        std::iter::from_fn(move || {
            (next != NONE).then(|| {
                let here = next;
                next = self.parents[here as usize];
                self.point(here)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn nearest_agrees_with_looking_at_all(
            points in prop::collection::vec(prop::array::uniform3(-1.0..1.0), 1..300),
            q in prop::array::uniform3(-1.5..1.5),
        ) {
            let mut tree = Tree::default();
            tree.reset(3);
            for point in &points {
                tree.add_root(point);
            }
            let plain = points
                .iter()
                .map(|point| distance(point, &q))
                .fold(f64::INFINITY, f64::min);
            let (nearest, away) = tree.nearest(&q);
            prop_assert!((away - plain).abs() < 1e-6);
            prop_assert_eq!(away, distance(tree.point(nearest), &q));
            prop_assert_eq!(tree.nearest_within(&q, 0.99 * plain - 1e-6), None);
            prop_assert_eq!(tree.nearest_within(&q, 1.01 * plain + 1e-6), Some((nearest, away)));
        }

        #[test]
        fn no_node_reaches_farther_than_the_most(
            changes in prop::collection::vec((0_u32..20, 0.0..4.0), 1..2000),
        ) {
            let mut tree = Tree::default();
            tree.reset(1);
            for k in 0..20 {
                tree.add_root(&[f64::from(k)]);
            }
            prop_assert_eq!(tree.most_reach(), f64::INFINITY);
            (0..20).for_each(|k| tree.set_reach(k, 1.0));
            for (index, reach) in changes {
                tree.set_reach(index, reach);
                prop_assert!((0..20).all(|k| tree.reach(k) <= tree.most_reach()));
            }
        }

        #[test]
        fn many_of_one_configuration_do_no_harm(count in 1_u32..200) {
            let mut tree = Tree::default();
            tree.reset(2);
            for _ in 0..count {
                tree.add_root(&[0.25, -1.0]);
            }
            tree.add_root(&[0.25, 1.0]);
            prop_assert_eq!(tree.nearest(&[0.25, 0.5]), (count, 0.5));
            prop_assert_eq!(tree.nearest(&[0.25, -0.5]).1, 0.5);
        }
    }
}
