//! Which depth pixels belong to a detection.

use praxis_network::PixelBox;

use crate::exclusion::RobotBody;
use crate::plane::SupportPlane;
use crate::scan::Scan;

/// What a depth pixel within the region is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// No distance.
    Hole,
    /// The support, or something below it.
    Support,
    /// Above the support, but not of this object.
    Other,
    /// On the robot.
    Robot,
    /// Of this object.
    Object,
}

/// How points are told apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SegmentLimits {
    /// Lower than this above the support is the support, metres.
    pub min_height_m: f64,
    /// Higher than this is no object, metres.
    pub max_height_m: f64,
    /// Neighbouring pixels closer than this in space belong together, metres.
    pub link_m: f32,
}

/// The object's pixels within a rectangle of the depth picture.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub left: usize,
    pub top: usize,
    pub width: usize,
    pub height: usize,
    pub cells: Vec<Cell>,
    /// The point of each cell in the planning frame; NaN for a hole.
    pub points: Vec<[f32; 3]>,
    /// Whether each cell lies within the detection itself.
    pub core: Vec<bool>,
    /// Pixels of the object.
    pub count: usize,
    /// Share of the detection's valid pixels above the support that are on the robot.
    pub robot_share: f64,
}

impl Segment {
    /// The place of (column, row) in `cells` and `points`; none outside the region.
    pub fn index(&self, column: isize, row: isize) -> Option<usize> {
        let inside =
            (0..self.width as isize).contains(&column) && (0..self.height as isize).contains(&row);
        inside.then(|| row as usize * self.width + column as usize)
    }
}

/// The pixels of the thing that fills most of `bounds`; the count is 0 when there is none.
///
/// `bounds` are continuous coordinates of the depth picture.
pub(crate) fn segment(
    scan: &Scan<'_>,
    bounds: &PixelBox,
    plane: &SupportPlane,
    robot: &RobotBody,
    limits: &SegmentLimits,
) -> Segment {
    let mut segment = region(scan, bounds);
    classify(scan, &mut segment, plane, robot, limits);
    segment.core = core_of(&segment, bounds);
    segment.robot_share = robot_share(&segment);
    remove_flying_pixels(scan, &mut segment);
    keep_best_component(&mut segment, limits.link_m);
    segment
}

/// A rectangle of pixels around the bounds with some room for a loose box.
fn region(scan: &Scan<'_>, bounds: &PixelBox) -> Segment {
    let range = |axis: usize, size: usize| {
        let margin = (0.2 * (bounds.max_px[axis] - bounds.min_px[axis])).max(4.0);
        let low = (bounds.min_px[axis] - margin).floor().clamp(0.0, size as f64) as usize;
        let high = (bounds.max_px[axis] + margin).ceil().clamp(0.0, size as f64) as usize;
        (low, high.saturating_sub(low))
    };
    let (left, width) = range(0, scan.width());
    let (top, height) = range(1, scan.height());
    Segment {
        left,
        top,
        width,
        height,
        cells: vec![Cell::Hole; width * height],
        points: vec![[f32::NAN; 3]; width * height],
        core: Vec::new(),
        count: 0,
        robot_share: 0.0,
    }
}

fn classify(
    scan: &Scan<'_>,
    segment: &mut Segment,
    plane: &SupportPlane,
    robot: &RobotBody,
    limits: &SegmentLimits,
) {
    let columns = segment.left..segment.left + segment.width;
    for row in 0..segment.height {
        let own = row * segment.width..(row + 1) * segment.width;
        let cells = segment.cells[own.clone()].iter_mut().zip(&mut segment.points[own]);
        let points = scan.points(columns.clone(), segment.top + row);
        for ((cell, kept), point) in cells.zip(points) {
            *kept = point;
            if point[2].is_nan() {
                continue;
            }
            let height = f64::from(point[2]) - plane.z_at(f64::from(point[0]), f64::from(point[1]));
            *cell = if height < limits.min_height_m {
                Cell::Support
            } else if robot.contains(point) {
                Cell::Robot
            } else {
                // Too high counts as something else: it must not link two objects.
                if height > limits.max_height_m { Cell::Other } else { Cell::Object }
            };
        }
    }
}

/// Which cells lie within the detection itself.
fn core_of(segment: &Segment, bounds: &PixelBox) -> Vec<bool> {
    let within = |axis: usize, first: usize, count: usize| -> Vec<bool> {
        let range = bounds.min_px[axis]..=bounds.max_px[axis];
        (first..first + count).map(|at| range.contains(&(at as f64 + 0.5))).collect()
    };
    let columns = within(0, segment.left, segment.width);
    let rows = within(1, segment.top, segment.height);
    rows.iter().flat_map(|&row| columns.iter().map(move |&column| row && column)).collect()
}

fn robot_share(segment: &Segment) -> f64 {
    let count = |wanted: &[Cell]| {
        let cells = segment.cells.iter().zip(&segment.core);
        cells.filter(|(cell, inside)| **inside && wanted.contains(cell)).count() as f64
    };
    let robot = count(&[Cell::Robot]);
    let all = robot + count(&[Cell::Object, Cell::Other]);
    if all > 0.0 { robot / all } else { 0.0 }
}

/// A pixel between near and far, closer to neither, is a mixture of both: sensors and smoothing
/// make them along edges.
fn remove_flying_pixels(scan: &Scan<'_>, segment: &mut Segment) {
    const JUMP_M: f32 = 0.008;
    let flies = |column: usize, row: usize| {
        let depth = scan.depth_m(column, row);
        let between = |near: f32, far: f32| {
            (near - depth) * (depth - far) > 0.0
                && (near - depth).abs() > JUMP_M
                && (far - depth).abs() > JUMP_M
        };
        let inside = |at: usize, size: usize| at > 0 && at + 1 < size;
        (inside(column, scan.width())
            && between(scan.depth_m(column - 1, row), scan.depth_m(column + 1, row)))
            || (inside(row, scan.height())
                && between(scan.depth_m(column, row - 1), scan.depth_m(column, row + 1)))
    };
    for row in 0..segment.height {
        for column in 0..segment.width {
            let index = row * segment.width + column;
            if segment.cells[index] == Cell::Object
                && flies(segment.left + column, segment.top + row)
            {
                segment.cells[index] = Cell::Hole;
            }
        }
    }
}

/// Of all connected parts the one with most pixels within the detection stays.
fn keep_best_component(segment: &mut Segment, link_m: f32) {
    let link2 = link_m * link_m;
    let mut label = vec![0u32; segment.cells.len()];
    let mut best = (0usize, 0u32, 0usize);
    let mut next = 0;
    let mut stack = Vec::new();
    for start in 0..segment.cells.len() {
        if segment.cells[start] != Cell::Object || label[start] != 0 {
            continue;
        }
        next += 1;
        label[start] = next;
        stack.push(start);
        let (mut inside, mut size) = (0, 0);
        while let Some(index) = stack.pop() {
            size += 1;
            inside += usize::from(segment.core[index]);
            for_neighbours(index, segment.width, segment.height, |neighbour| {
                if segment.cells[neighbour] == Cell::Object
                    && label[neighbour] == 0
                    && distance2(segment.points[index], segment.points[neighbour]) <= link2
                {
                    label[neighbour] = next;
                    stack.push(neighbour);
                }
            });
        }
        if inside > best.0 {
            best = (inside, next, size);
        }
    }
    for (cell, label) in segment.cells.iter_mut().zip(&label) {
        if *cell == Cell::Object && (best.1 == 0 || *label != best.1) {
            *cell = Cell::Other;
        }
    }
    segment.count = best.2;
}

/// Calls back with the cells beside, above and below one.
#[inline]
pub(crate) fn for_neighbours(
    index: usize,
    width: usize,
    height: usize,
    mut visit: impl FnMut(usize),
) {
    let (column, row) = (index % width, index / width);
    if column > 0 {
        visit(index - 1);
    }
    if column + 1 < width {
        visit(index + 1);
    }
    if row > 0 {
        visit(index - width);
    }
    if row + 1 < height {
        visit(index + width);
    }
}

fn distance2(a: [f32; 3], b: [f32; 3]) -> f32 {
    (0..3).map(|axis| (a[axis] - b[axis]).powi(2)).sum()
}
