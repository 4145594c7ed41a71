use crate::joint_space::squared_distance;

/// Configurations in one leaf of the search tree before it is split.
const LEAF_SIZE: usize = 32;
const NONE: u32 = u32::MAX;

/// Configurations with their parents, and a k-d tree over them that grows as they come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tree {
    dim: usize,
    points: Vec<f64>,
    parents: Vec<u32>,
    /// Samples farther from a node than its reach are not worth a try (dynamic domain).
    reaches: Vec<f64>,
    cells: Vec<Cell>,
}

#[derive(Clone, Debug)]
enum Cell {
    Leaf(Vec<u32>),
    Split { joint: usize, at: f64, below: u32, above: u32 },
}

impl Tree {
    /// Empties the tree, keeping its memory.
    pub fn reset(&mut self, dim: usize) {
        self.dim = dim;
        self.points.clear();
        self.parents.clear();
        self.reaches.clear();
        self.cells.clear();
        self.cells.push(Cell::Leaf(Vec::with_capacity(LEAF_SIZE)));
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
        self.reaches[index as usize] = reach;
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
        let mut cell = 0;
        loop {
            match &mut self.cells[cell] {
                Cell::Split { joint, at, below, above } => {
                    cell = if q[*joint] < *at { *below } else { *above } as usize;
                }
                Cell::Leaf(members) => {
                    members.push(index);
                    if members.len() > LEAF_SIZE {
                        self.split(cell);
                    }
                    return index;
                }
            }
        }
    }

    /// Splits a full leaf in the middle of its widest joint.
    fn split(&mut self, cell: usize) {
        let Cell::Leaf(members) = &self.cells[cell] else { return };
        let (mut widest, mut span, mut middle) = (0, 0.0, 0.0);
        for joint in 0..self.dim {
            let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
            for &member in members {
                let value = self.point(member)[joint];
                (low, high) = (low.min(value), high.max(value));
            }
            if high - low > span {
                (widest, span, middle) = (joint, high - low, 0.5 * (low + high));
            }
        }
        if span <= 0.0 {
            return; // all the same point: the leaf may grow
        }
        let (below, above): (Vec<u32>, Vec<u32>) =
            members.iter().partition(|&&member| self.point(member)[widest] < middle);
        let first = self.cells.len() as u32;
        self.cells.push(Cell::Leaf(below));
        self.cells.push(Cell::Leaf(above));
        self.cells[cell] =
            Cell::Split { joint: widest, at: middle, below: first, above: first + 1 };
    }

    /// Nearest configuration to `q` and its distance. The tree is not empty.
    pub fn nearest(&self, q: &[f64]) -> (u32, f64) {
        let mut best = (0, f64::INFINITY);
        self.search(0, q, &mut best);
        (best.0, best.1.sqrt())
    }

    fn search(&self, cell: usize, q: &[f64], best: &mut (u32, f64)) {
        match &self.cells[cell] {
            Cell::Leaf(members) => {
                for &member in members {
                    let squared = squared_distance(self.point(member), q);
                    if squared < best.1 {
                        *best = (member, squared);
                    }
                }
            }
            &Cell::Split { joint, at, below, above } => {
                let offset = q[joint] - at;
                let (near, far) = if offset < 0.0 { (below, above) } else { (above, below) };
                self.search(near as usize, q, best);
                if offset * offset < best.1 {
                    self.search(far as usize, q, best);
                }
            }
        }
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
                .map(|point| squared_distance(point, &q))
                .fold(f64::INFINITY, f64::min);
            prop_assert_eq!(tree.nearest(&q).1, plain.sqrt());
        }
    }
}
