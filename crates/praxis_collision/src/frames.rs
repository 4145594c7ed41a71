use crate::kernel::{Block, Workspace};
use crate::lanes::{Lanes, Row, Triple, cross, everywhere, load, plus, scaled, store, times_plus};
use crate::model::{Columns, Frame, Model};

/// Where a frame stands and how it moves along the edge, for each lane. Axes and origin in the
/// root frame, rates for each unit of the edge.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameRows {
    axes: [[Row; 3]; 3],
    origin: [Row; 3],
    /// Radians that it turns.
    pub(crate) spin: [Row; 3],
    /// Metres that its origin moves.
    velocity: [Row; 3],
}

impl FrameRows {
    /// The root: it stands still.
    pub(crate) fn root() -> Self {
        let one = Row([1.0; crate::lanes::WIDTH]);
        let zero = [Row::ZERO; 3];
        let mut axes = [zero; 3];
        [axes[0][0], axes[1][1], axes[2][2]] = [one; 3];
        Self { axes, origin: zero, spin: zero, velocity: zero }
    }
}

/// Forward kinematics of all moving frames, with velocities.
#[inline(always)]
pub(crate) fn move_frames<L: Lanes>(model: &Model, block: &Block<'_>, work: &mut Workspace) {
    let middle = L::load(&block.middle);
    for (index, frame) in model.frames.iter().enumerate().skip(1) {
        let (above, here) = work.frames.split_at_mut(index);
        let rate = L::splat(block.way[index]);
        let value = middle.mul_add(rate, L::splat(block.start[index]));
        let offset = place_frame(frame, &above[frame.parent], value, &mut here[0]);
        move_frame(frame, &above[frame.parent], offset, rate, &mut here[0]);
    }
}

/// Forward kinematics of all moving frames at rest, each joint where its row says. Spins and
/// velocities are left as they were.
#[inline(always)]
pub(crate) fn stand_frames<L: Lanes>(model: &Model, joints: &[Row], work: &mut Workspace) {
    for (index, frame) in model.frames.iter().enumerate().skip(1) {
        let (above, here) = work.frames.split_at_mut(index);
        place_frame::<L>(frame, &above[frame.parent], L::load(&joints[index]), &mut here[0]);
    }
}

/// Axes and origin of a frame; gives the way from the parent's origin to its own.
#[inline(always)]
fn place_frame<L: Lanes>(
    frame: &Frame,
    parent: &FrameRows,
    value: L,
    here: &mut FrameRows,
) -> Triple<L> {
    let mut offset = combined(&parent.axes, &frame.translation);
    let z;
    if frame.turns {
        z = turn(frame, parent, value, &mut here.axes);
    } else {
        z = column(frame, parent, 2);
        store(column::<L>(frame, parent, 0), &mut here.axes[0]);
        store(column::<L>(frame, parent, 1), &mut here.axes[1]);
        offset = times_plus(z, value, offset);
    }
    store(z, &mut here.axes[2]);
    store(plus(offset, load(&parent.origin)), &mut here.origin);
    offset
}

/// Spin and velocity of a frame that is placed.
#[inline(always)]
fn move_frame<L: Lanes>(
    frame: &Frame,
    parent: &FrameRows,
    offset: Triple<L>,
    rate: L,
    here: &mut FrameRows,
) {
    let (parent_spin, z): (Triple<L>, Triple<L>) = (load(&parent.spin), load(&here.axes[2]));
    let velocity = plus(cross(parent_spin, offset), load(&parent.velocity));
    if frame.turns {
        store(times_plus(z, rate, parent_spin), &mut here.spin);
        store(velocity, &mut here.velocity);
    } else {
        store(parent_spin, &mut here.spin);
        store(times_plus(z, rate, velocity), &mut here.velocity);
    }
}

/// Turns x and y about z, and gives z.
#[inline(always)]
fn turn<L: Lanes>(
    frame: &Frame,
    parent: &FrameRows,
    angle: L,
    axes: &mut [[Row; 3]; 3],
) -> Triple<L> {
    let (sin, cos) = crate::lanes::sin_cos(angle);
    let (x, y): (Triple<L>, Triple<L>);
    let (x_cos, x_sin, y_cos, y_sin);
    match &frame.columns {
        // Quarter turns only pick among the parent's axes; signs go to sine and cosine.
        Columns::Picked(picks) => {
            (x, y) = (load(&parent.axes[picks[0].0]), load(&parent.axes[picks[1].0]));
            let (x_sign, y_sign) = (L::splat(picks[0].1), L::splat(picks[1].1));
            (x_cos, x_sin) = (cos * x_sign, sin * x_sign);
            (y_cos, y_sin) = (cos * y_sign, sin * y_sign);
        }
        Columns::Mixed(columns) => {
            (x, y) = (combined(&parent.axes, &columns[0]), combined(&parent.axes, &columns[1]));
            (x_cos, x_sin, y_cos, y_sin) = (cos, sin, cos, sin);
        }
    }
    store(times_plus(x, x_cos, scaled(y, y_sin)), &mut axes[0]);
    let [a, b, c] = scaled(x, x_sin);
    store([y[0].mul_sub(y_cos, a), y[1].mul_sub(y_cos, b), y[2].mul_sub(y_cos, c)], &mut axes[1]);
    column(frame, parent, 2)
}

/// An axis of a frame before its joint moves it.
#[inline(always)]
fn column<L: Lanes>(frame: &Frame, parent: &FrameRows, k: usize) -> Triple<L> {
    match &frame.columns {
        Columns::Picked(picks) => scaled(load(&parent.axes[picks[k].0]), L::splat(picks[k].1)),
        Columns::Mixed(columns) => combined(&parent.axes, &columns[k]),
    }
}

/// Sum of axes, those with a factor of zero left out.
#[inline(always)]
fn combined<L: Lanes>(axes: &[[Row; 3]; 3], factors: &[f32; 3]) -> Triple<L> {
    let mut sum = everywhere::<L>(&[0.0; 3]);
    for (axis, &factor) in axes.iter().zip(factors) {
        if factor != 0.0 {
            sum = times_plus(load(axis), L::splat(factor), sum);
        }
    }
    sum
}

/// Where a point of a frame is.
#[inline(always)]
pub(crate) fn point<L: Lanes>(frame: &FrameRows, at: &[f32; 3]) -> Triple<L> {
    let at = everywhere::<L>(at);
    let sum = times_plus(load(&frame.axes[2]), at[2], load(&frame.origin));
    times_plus(load(&frame.axes[0]), at[0], times_plus(load(&frame.axes[1]), at[1], sum))
}

/// Where a point of a frame is, and how fast it moves.
#[inline(always)]
pub(crate) fn moving_point<L: Lanes>(frame: &FrameRows, at: &[f32; 3]) -> [Triple<L>; 2] {
    let at = everywhere::<L>(at);
    let offset = scaled(load(&frame.axes[2]), at[2]);
    let offset = times_plus(load(&frame.axes[1]), at[1], offset);
    let offset = times_plus(load(&frame.axes[0]), at[0], offset);
    let turned = cross(load(&frame.spin), offset);
    [plus(offset, load(&frame.origin)), plus(turned, load(&frame.velocity))]
}
