use nalgebra::{Point3, Vector3};

/// Triangles in one leaf at most.
const LEAF: usize = 4;

pub(crate) type Triangle = [Point3<f64>; 3];

/// Where on a triangle its nearest point lies; edge k leads from corner k to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Feature {
    Face,
    Edge(usize),
    Corner(usize),
}

/// The nearest point of all triangles.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) point: Point3<f64>,
    pub(crate) triangle: usize,
    pub(crate) feature: Feature,
}

/// Triangles in a tree of boxes that answers which point of them is nearest.
#[derive(Clone, Debug)]
pub(crate) struct TriangleTree {
    triangles: Vec<Triangle>,
    /// Indices of triangles, leaf by leaf.
    order: Vec<u32>,
    nodes: Vec<Node>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    low: [f64; 3],
    high: [f64; 3],
    kind: Kind,
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// First and number of its triangles.
    Leaf(u32, u32),
    /// Its children; the first follows it.
    Split(u32),
}

impl TriangleTree {
    pub(crate) fn new(triangles: Vec<Triangle>) -> Self {
        let order = (0..triangles.len() as u32).collect();
        let mut tree = Self { nodes: Vec::new(), order, triangles };
        tree.build(0, tree.triangles.len());
        tree
    }

    pub(crate) fn triangles(&self) -> &[Triangle] {
        &self.triangles
    }

    /// Halves what stands at `first..last` along its longest extent.
    fn build(&mut self, first: usize, last: usize) {
        let (mut low, mut high) = ([f64::INFINITY; 3], [f64::NEG_INFINITY; 3]);
        for &index in &self.order[first..last] {
            for corner in &self.triangles[index as usize] {
                for i in 0..3 {
                    low[i] = low[i].min(corner[i]);
                    high[i] = high[i].max(corner[i]);
                }
            }
        }
        let here = self.nodes.len();
        let kind = Kind::Leaf(first as u32, (last - first) as u32);
        self.nodes.push(Node { low, high, kind });
        if last - first <= LEAF {
            return;
        }
        let extent = |i: usize| high[i] - low[i];
        let axis = (0..3).max_by(|&a, &b| extent(a).total_cmp(&extent(b))).unwrap_or(0);
        let middle = (last - first) / 2;
        let triangles = &self.triangles;
        let place = |index: &u32| triangles[*index as usize].iter().map(|p| p[axis]).sum::<f64>();
        self.order[first..last]
            .select_nth_unstable_by(middle, |a, b| place(a).total_cmp(&place(b)));
        self.build(first, first + middle);
        self.nodes[here].kind = Kind::Split(self.nodes.len() as u32);
        self.build(first + middle, last);
    }

    /// The point nearest to `at`, if one is nearer than `limit`.
    pub(crate) fn nearest(&self, at: &Point3<f64>, limit: f64) -> Option<Found> {
        let mut best = None;
        let mut squared = limit * limit;
        // Halving 32 bits of triangles takes no more than as many splits.
        let mut waiting = [(0_u32, 0.0_f64); 64];
        let mut count = 1;
        waiting[0].1 = self.nodes[0].squared_distance(at);
        while count > 0 {
            count -= 1;
            let (index, away) = waiting[count];
            if away >= squared {
                continue;
            }
            match self.nodes[index as usize].kind {
                Kind::Leaf(first, many) => {
                    for &triangle in &self.order[first as usize..(first + many) as usize] {
                        let (point, feature) = nearest_on(&self.triangles[triangle as usize], at);
                        let away = (at - point).norm_squared();
                        if away < squared {
                            squared = away;
                            best = Some(Found { point, triangle: triangle as usize, feature });
                        }
                    }
                }
                Kind::Split(second) => {
                    let child =
                        |index: u32| (index, self.nodes[index as usize].squared_distance(at));
                    let (a, b) = (child(index + 1), child(second));
                    // The nearer one is looked at first.
                    let (near, far) = if a.1 <= b.1 { (a, b) } else { (b, a) };
                    waiting[count] = far;
                    waiting[count + 1] = near;
                    count += 2;
                }
            }
        }
        best
    }
}

impl Node {
    fn squared_distance(&self, at: &Point3<f64>) -> f64 {
        (0..3).map(|i| (self.low[i] - at[i]).max(at[i] - self.high[i]).max(0.0).powi(2)).sum()
    }
}

/// The point of a triangle that is nearest to `at` (Ericson, "Real-Time Collision Detection", 2005,
/// section 5.1.5).
fn nearest_on([a, b, c]: &Triangle, at: &Point3<f64>) -> (Point3<f64>, Feature) {
    let (ab, ac) = (b - a, c - a);
    let along = |from: &Point3<f64>| -> (f64, f64) {
        let way: Vector3<f64> = at - from;
        (ab.dot(&way), ac.dot(&way))
    };
    let ((d1, d2), (d3, d4), (d5, d6)) = (along(a), along(b), along(c));
    if d1 <= 0.0 && d2 <= 0.0 {
        return (*a, Feature::Corner(0));
    }
    if d3 >= 0.0 && d4 <= d3 {
        return (*b, Feature::Corner(1));
    }
    let over_c = d1 * d4 - d3 * d2;
    if over_c <= 0.0 && d1 >= 0.0 && d3 <= 0.0 {
        return (a + ab * (d1 / (d1 - d3).max(f64::MIN_POSITIVE)), Feature::Edge(0));
    }
    if d6 >= 0.0 && d5 <= d6 {
        return (*c, Feature::Corner(2));
    }
    let over_b = d5 * d2 - d1 * d6;
    if over_b <= 0.0 && d2 >= 0.0 && d6 <= 0.0 {
        return (a + ac * (d2 / (d2 - d6).max(f64::MIN_POSITIVE)), Feature::Edge(2));
    }
    let over_a = d3 * d6 - d5 * d4;
    let (to_c, to_b) = (d4 - d3, d5 - d6);
    if over_a <= 0.0 && to_c >= 0.0 && to_b >= 0.0 {
        let share = to_c / (to_c + to_b).max(f64::MIN_POSITIVE);
        return (b + (c - b) * share, Feature::Edge(1));
    }
    let scale = 1.0 / (over_a + over_b + over_c);
    (a + ab * (over_b * scale) + ac * (over_c * scale), Feature::Face)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn point() -> impl Strategy<Value = Point3<f64>> {
        prop::array::uniform3(-1.0..1.0).prop_map(Point3::from)
    }

    /// The least distance over a lattice on the triangle: never below the true one.
    fn by_lattice([a, b, c]: &Triangle, at: &Point3<f64>) -> f64 {
        let n = 60;
        let mut least = f64::INFINITY;
        for i in 0..=n {
            for j in 0..=n - i {
                let (u, v) = (f64::from(i) / f64::from(n), f64::from(j) / f64::from(n));
                least = least.min((a + (b - a) * u + (c - a) * v - at).norm());
            }
        }
        least
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn the_nearest_point_is_no_farther_than_any_of_a_lattice(
            triangle in prop::array::uniform3(point()),
            at in point(),
        ) {
            let (nearest, _) = nearest_on(&triangle, &at);
            let (distance, sampled) = ((at - nearest).norm(), by_lattice(&triangle, &at));
            prop_assert!(distance <= sampled + 1e-9, "{distance} {sampled}");
            // A lattice point lies within a step of it.
            prop_assert!(sampled <= distance + 0.07, "{distance} {sampled}");
        }

        #[test]
        fn the_tree_finds_what_looking_at_all_finds(
            triangles in prop::collection::vec(prop::array::uniform3(point()), 1..60),
            at in point(),
            limit in 0.01..2.0,
        ) {
            let tree = TriangleTree::new(triangles.clone());
            let all = triangles.iter().map(|t| (at - nearest_on(t, &at).0).norm());
            let least = all.fold(f64::INFINITY, f64::min);
            let found = tree.nearest(&at, f64::INFINITY).unwrap();
            prop_assert!(((at - found.point).norm() - least).abs() < 1e-12);
            prop_assert_eq!(tree.nearest(&at, limit).is_some(), least < limit);
        }
    }
}
