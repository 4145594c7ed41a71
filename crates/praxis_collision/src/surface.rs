use std::collections::HashMap;

use nalgebra::{Point3, Vector3};
use parry3d_f64::math::Vector as ParryVector;
use parry3d_f64::transformation::try_convex_hull;
use praxis_geometry::TriangleMesh;

use crate::error::CollisionError;
use crate::triangle_tree::{Feature, TriangleTree};

/// Points are beyond a hull's plane by no more than this share of its size, and its volume is more
/// than this share of its size cubed, or the hull is refused.
const HULL_TOLERANCE: f64 = 1e-9;

/// Triangles in a frame of their own: a mesh, a convex hull, a height field.
///
/// Where each edge belongs to two triangles that agree on the outside, the surface is closed and
/// what is inside counts as touching, however deep; otherwise only the triangles do.
#[derive(Clone, Debug)]
pub struct Surface {
    tree: TriangleTree,
    low: Point3<f64>,
    high: Point3<f64>,
    outwards: Option<Outwards>,
}

/// Directions out of a closed surface, at its faces, edges and corners: the sign of a distance is
/// that of the way from the nearest point along them (Bærentzen, Aanæs, "Signed distance computation
/// using the angle weighted pseudonormal", IEEE TVCG 11(3), 2005).
#[derive(Clone, Debug)]
struct Outwards {
    faces: Vec<Vector3<f64>>,
    edges: Vec<[Vector3<f64>; 3]>,
    corners: Vec<[Vector3<f64>; 3]>,
}

impl Surface {
    /// The triangles of a mesh.
    pub fn from_mesh(mesh: &TriangleMesh) -> Result<Self, CollisionError> {
        let bad = |reason: String| Err(CollisionError::BadSurface { reason });
        if let Some(index) = mesh.vertices.iter().position(|p| !p.iter().all(|x| x.is_finite())) {
            return bad(format!("vertex {index} is {}", mesh.vertices[index]));
        }
        let count = mesh.vertices.len();
        if let Some(index) = mesh.triangles.iter().flatten().find(|&&k| k as usize >= count) {
            return bad(format!("a triangle names vertex {index} of {count}"));
        }
        if mesh.triangles.is_empty() {
            return bad("it has no triangles".to_owned());
        }
        let (vertices, mut triangles) = merged(mesh);
        let outwards = if is_closed(&triangles) {
            if volume(&vertices, &triangles) < 0.0 {
                triangles.iter_mut().for_each(|triangle| triangle.swap(1, 2));
            }
            Some(Outwards::new(&vertices, &triangles))
        } else {
            None
        };
        let corners = triangles.iter().map(|t| t.map(|k| vertices[k as usize])).collect();
        let bound = |pick: fn(f64, f64) -> f64, start: f64| {
            Point3::from([0, 1, 2].map(|i| vertices.iter().map(|p| p[i]).fold(start, pick)))
        };
        Ok(Self {
            tree: TriangleTree::new(corners),
            low: bound(f64::min, f64::INFINITY),
            high: bound(f64::max, f64::NEG_INFINITY),
            outwards,
        })
    }

    /// The convex hull of points that do not all lie in one plane.
    pub fn convex_hull(points: &[Point3<f64>]) -> Result<Self, CollisionError> {
        let bad = |reason: String| CollisionError::BadSurface { reason };
        let theirs: Vec<ParryVector> =
            points.iter().map(|p| ParryVector::new(p.x, p.y, p.z)).collect();
        if points.len() < 4 || theirs.iter().any(|p| !p.is_finite()) {
            return Err(bad("a hull needs four points or more, all finite".to_owned()));
        }
        let (vertices, triangles) =
            try_convex_hull(&theirs).map_err(|error| bad(format!("no hull: {error}")))?;
        let vertices: Vec<Point3<f64>> =
            vertices.iter().map(|p| Point3::new(p.x, p.y, p.z)).collect();
        let size = vertices.iter().map(|p| (p - vertices[0]).norm()).fold(0.0, f64::max);
        if volume(&vertices, &triangles).abs() <= HULL_TOLERANCE * size.powi(3) {
            return Err(bad("no hull: the points lie in a plane, but for rounding".to_owned()));
        }
        let hull = Self::from_mesh(&TriangleMesh { vertices, triangles })?;
        let Some(outwards) = &hull.outwards else {
            return Err(bad("no hull: its faces do not close".to_owned()));
        };
        let tolerance = HULL_TOLERANCE * (hull.high - hull.low).norm();
        for (triangle, normal) in hull.tree.triangles().iter().zip(&outwards.faces) {
            let beyond = points.iter().map(|p| normal.dot(&(p - triangle[0])));
            if beyond.fold(f64::NEG_INFINITY, f64::max) > tolerance {
                return Err(bad("no hull: a point would be left out".to_owned()));
            }
        }
        Ok(hull)
    }

    /// Ground of a given height at the crossings of a grid, solid down to `bottom_m`. The first row
    /// lies along x from the origin, the next `cell_m` further along y.
    pub fn height_field(
        cell_m: f64,
        columns: usize,
        heights_m: &[f64],
        bottom_m: f64,
    ) -> Result<Self, CollisionError> {
        let bad = |reason: String| Err(CollisionError::BadSurface { reason });
        let rows = heights_m.len().checked_div(columns).unwrap_or(0);
        if columns < 2 || rows < 2 || rows * columns != heights_m.len() {
            return bad(format!("{} heights in rows of {columns}", heights_m.len()));
        }
        if !(cell_m > 0.0 && cell_m.is_finite() && bottom_m.is_finite()) {
            return bad(format!("cells of {cell_m} m over a bottom at {bottom_m} m"));
        }
        if let Some(index) = heights_m.iter().position(|h| !(h.is_finite() && *h > bottom_m)) {
            let height = heights_m[index];
            return bad(format!("height {index} is {height} m, the bottom {bottom_m} m"));
        }
        let at = |index: usize, z: f64| {
            Point3::new((index % columns) as f64 * cell_m, (index / columns) as f64 * cell_m, z)
        };
        let mut mesh = TriangleMesh::default();
        mesh.vertices.extend(heights_m.iter().enumerate().map(|(index, &z)| at(index, z)));
        for row in 0..rows - 1 {
            for column in 0..columns - 1 {
                let corner = (row * columns + column) as u32;
                let above = corner + columns as u32;
                mesh.triangles.push([corner, corner + 1, above + 1]);
                mesh.triangles.push([corner, above + 1, above]);
            }
        }
        // Walls and bottom, around counter-clockwise.
        let last = (rows - 1) * columns;
        let mut ring: Vec<usize> = (0..columns - 1).collect();
        ring.extend((0..rows - 1).map(|row| row * columns + columns - 1));
        ring.extend((1..columns).rev().map(|column| last + column));
        ring.extend((1..rows).rev().map(|row| row * columns));
        let first = mesh.vertices.len() as u32;
        mesh.vertices.extend(ring.iter().map(|&index| at(index, bottom_m)));
        let middle = mesh.vertices.len() as u32;
        mesh.vertices.push(nalgebra::center(&at(0, bottom_m), &at(last + columns - 1, bottom_m)));
        for k in 0..ring.len() {
            let next = (k + 1) % ring.len();
            let [top, next_top] = [ring[k], ring[next]].map(|index| index as u32);
            let [low, next_low] = [first + k as u32, first + next as u32];
            mesh.triangles.push([low, next_low, next_top]);
            mesh.triangles.push([low, next_top, top]);
            mesh.triangles.push([middle, next_low, low]);
        }
        Self::from_mesh(&mesh)
    }

    /// Whether it has an inside.
    pub fn is_closed(&self) -> bool {
        self.outwards.is_some()
    }

    /// Number of triangles.
    pub fn len(&self) -> usize {
        self.tree.triangles().len()
    }

    /// Whether it has no triangle: never.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Distance of a point, negative inside of a closed surface, and the unit vector in which it
    /// grows.
    pub fn signed_distance_m(&self, at: Point3<f64>) -> (f64, Vector3<f64>) {
        let Some(found) = self.tree.nearest(&at, f64::INFINITY) else {
            return (f64::INFINITY, Vector3::z());
        };
        let way = at - found.point;
        let distance = way.norm();
        let outwards = self.outwards.as_ref().map(|outwards| outwards.at(&found));
        let inside = outwards.is_some_and(|outwards| way.dot(&outwards) < 0.0);
        let sign = if inside { -1.0 } else { 1.0 };
        let growing = if distance > 1e-12 {
            way * (sign / distance)
        } else {
            outwards.and_then(|o| o.try_normalize(1e-12)).unwrap_or_else(Vector3::z)
        };
        (sign * distance, growing)
    }

    /// The signed distance of a point if it is less than `limit_m`.
    pub(crate) fn distance_below(&self, at: &Point3<f64>, limit_m: f64) -> Option<f64> {
        let outside = self.outside_box_m(at);
        if outside >= limit_m {
            return None;
        }
        if self.is_closed() && outside == 0.0 {
            return Some(self.signed_distance_m(*at).0).filter(|distance| *distance < limit_m);
        }
        self.tree.nearest(at, limit_m).map(|found| (at - found.point).norm())
    }

    /// Distance to the box around all triangles.
    fn outside_box_m(&self, at: &Point3<f64>) -> f64 {
        let out = |i: usize| (self.low[i] - at[i]).max(at[i] - self.high[i]).max(0.0);
        (0..3).map(|i| out(i).powi(2)).sum::<f64>().sqrt()
    }

    /// Corners of the box around all triangles.
    pub(crate) fn bounds(&self) -> (Point3<f64>, Point3<f64>) {
        (self.low, self.high)
    }
}

impl Outwards {
    fn new(vertices: &[Point3<f64>], triangles: &[[u32; 3]]) -> Self {
        let mut at_corner = vec![Vector3::zeros(); vertices.len()];
        let mut at_edge: HashMap<(u32, u32), Vector3<f64>> = HashMap::new();
        let mut faces = Vec::with_capacity(triangles.len());
        for triangle in triangles {
            let [a, b, c] = triangle.map(|k| vertices[k as usize]);
            let normal = (b - a).cross(&(c - a)).try_normalize(0.0).unwrap_or_default();
            faces.push(normal);
            for k in 0..3 {
                let [here, next, last] = [k, (k + 1) % 3, (k + 2) % 3].map(|k| triangle[k]);
                let [p, q, r] = [here, next, last].map(|k| vertices[k as usize]);
                at_corner[here as usize] += normal * (q - p).angle(&(r - p));
                *at_edge.entry((here.min(next), here.max(next))).or_default() += normal;
            }
        }
        let edges = triangles.iter().map(|t| {
            [0, 1, 2].map(|k| at_edge[&(t[k].min(t[(k + 1) % 3]), t[k].max(t[(k + 1) % 3]))])
        });
        let corners = triangles.iter().map(|t| t.map(|k| at_corner[k as usize]));
        Self { faces, edges: edges.collect(), corners: corners.collect() }
    }

    fn at(&self, found: &crate::triangle_tree::Found) -> Vector3<f64> {
        match found.feature {
            Feature::Face => self.faces[found.triangle],
            Feature::Edge(k) => self.edges[found.triangle][k],
            Feature::Corner(k) => self.corners[found.triangle][k],
        }
    }
}

/// Vertices at the same place made one, and the triangles that are left.
fn merged(mesh: &TriangleMesh) -> (Vec<Point3<f64>>, Vec<[u32; 3]>) {
    let mut known: HashMap<[u64; 3], u32> = HashMap::new();
    let mut vertices = Vec::new();
    let index: Vec<u32> = mesh
        .vertices
        .iter()
        .map(|p| {
            // Adding zero makes one of both zeros.
            let key = [p.x, p.y, p.z].map(|x| (x + 0.0).to_bits());
            *known.entry(key).or_insert_with(|| {
                vertices.push(*p);
                vertices.len() as u32 - 1
            })
        })
        .collect();
    let triangles = mesh.triangles.iter().map(|t| t.map(|k| index[k as usize]));
    // What has shrunk to a line or a point lies on its neighbours' edges.
    let is_flat = |t: &[u32; 3]| t[0] == t[1] || t[1] == t[2] || t[2] == t[0];
    let kept: Vec<[u32; 3]> = triangles.clone().filter(|t| !is_flat(t)).collect();
    (vertices, if kept.is_empty() { triangles.collect() } else { kept })
}

/// Whether each edge is used once in each direction.
fn is_closed(triangles: &[[u32; 3]]) -> bool {
    let mut uses: HashMap<(u32, u32), u32> = HashMap::new();
    for t in triangles {
        for k in 0..3 {
            *uses.entry((t[k], t[(k + 1) % 3])).or_default() += 1;
        }
    }
    uses.iter().all(|(&(a, b), &count)| count == 1 && uses.get(&(b, a)) == Some(&1))
}

/// Volume within a closed surface; negative if it is turned inside out.
fn volume(vertices: &[Point3<f64>], triangles: &[[u32; 3]]) -> f64 {
    let of = |t: &[u32; 3]| {
        let [a, b, c] = t.map(|k| vertices[k as usize] - vertices[0]);
        a.dot(&b.cross(&c)) / 6.0
    };
    triangles.iter().map(of).sum()
}
