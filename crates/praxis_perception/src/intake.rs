//! Pairs colour with depth by stamp: pictures as they come in, looks as they are complete.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use praxis_geometry::Stamp;

use crate::{CameraModel, ColourImage, DepthImage};

/// A colour image as it came in.
#[derive(Clone, Debug)]
pub struct Colour {
    /// When it was taken.
    pub stamp: Stamp,
    /// The optical frame.
    pub frame: String,
    /// The picture.
    pub image: ColourImage,
    /// When it came in.
    pub arrived: Instant,
}

/// A depth image as it came in.
#[derive(Clone, Debug)]
pub struct Depth {
    /// When it was taken.
    pub stamp: Stamp,
    /// The optical frame.
    pub frame: String,
    /// The picture.
    pub image: Arc<DepthImage>,
}

/// Everything of one look.
#[derive(Clone, Debug)]
pub struct Look {
    /// The colour picture.
    pub colour: Colour,
    /// The depth picture of the same moment, if there is one.
    pub depth: Option<Depth>,
    /// The camera of both.
    pub camera: CameraModel,
}

/// What the intake has seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct IntakeCounts {
    /// Colour images.
    pub colour: u64,
    /// Depth images.
    pub depth: u64,
    /// Colour images that were given up because no depth image of their stamp came.
    pub unpaired: u64,
    /// Images that could not be read.
    pub refused: u64,
}

/// Pairs colour with depth by stamp; keeps little and gives the newest.
pub struct Intake {
    max_gap: Duration,
    require_depth: bool,
    colours: VecDeque<Colour>,
    depths: VecDeque<Depth>,
    camera: Option<CameraModel>,
    last_depth: Option<Instant>,
    /// What has come in so far.
    pub counts: IntakeCounts,
}

/// Images of one kind that wait for a partner.
const WAITING: usize = 4;
/// Depth that was silent for so long is not waited for.
const DEPTH_SILENCE: Duration = Duration::from_millis(500);

impl Intake {
    /// Stamps that differ by no more than `max_gap_s` belong together; colour alone makes a look
    /// only if depth is silent and not required.
    pub fn new(max_gap_s: f64, require_depth: bool) -> Self {
        Self {
            max_gap: Duration::from_secs_f64(max_gap_s),
            require_depth,
            colours: VecDeque::new(),
            depths: VecDeque::new(),
            camera: None,
            last_depth: None,
            counts: IntakeCounts::default(),
        }
    }

    /// Takes the camera's info in.
    pub fn set_camera(&mut self, camera: CameraModel) {
        self.camera = Some(camera);
    }

    /// The camera, once its info has come.
    pub fn camera(&self) -> Option<&CameraModel> {
        self.camera.as_ref()
    }

    /// Takes a colour image in; a look if it completes one.
    pub fn colour(&mut self, colour: Colour) -> Option<Look> {
        self.counts.colour += 1;
        let silent = self
            .last_depth
            .is_none_or(|last| colour.arrived.saturating_duration_since(last) > DEPTH_SILENCE);
        if silent && !self.require_depth {
            return self.look(colour, None);
        }
        // A stamp before those that wait: the clock was set back.
        if self.colours.back().is_some_and(|waiting| colour.stamp < waiting.stamp) {
            self.colours.clear();
            self.depths.clear();
        }
        self.colours.push_back(colour);
        if self.colours.len() > WAITING {
            self.colours.pop_front();
            self.counts.unpaired += 1;
        }
        self.newest_pair()
    }

    /// Takes a depth image in; a look if it completes one.
    pub fn depth(&mut self, depth: Depth, now: Instant) -> Option<Look> {
        self.counts.depth += 1;
        self.last_depth = Some(now);
        self.depths.push_back(depth);
        if self.depths.len() > WAITING {
            self.depths.pop_front();
        }
        self.newest_pair()
    }

    /// The newest two that belong together; everything older is let go.
    fn newest_pair(&mut self) -> Option<Look> {
        let gap = |a: Stamp, b: Stamp| (a.nanoseconds - b.nanoseconds).unsigned_abs();
        let limit = self.max_gap.as_nanos() as u64;
        let pair = (0..self.colours.len()).rev().find_map(|colour| {
            let stamp = self.colours[colour].stamp;
            let nearest =
                (0..self.depths.len()).min_by_key(|&depth| gap(self.depths[depth].stamp, stamp))?;
            (gap(self.depths[nearest].stamp, stamp) <= limit).then_some((colour, nearest))
        });
        let (colour, depth) = pair?;
        self.counts.unpaired += colour as u64;
        let colour = self.colours.drain(..=colour).next_back()?;
        let depth = self.depths.drain(..=depth).next_back()?;
        self.look(colour, Some(depth))
    }

    fn look(&mut self, colour: Colour, depth: Option<Depth>) -> Option<Look> {
        let camera = self.camera.clone()?;
        Some(Look { colour, depth, camera })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn colour(ms: i64) -> Colour {
        Colour {
            stamp: Stamp::from_nanos(ms * 1_000_000),
            frame: "camera".to_owned(),
            image: ColourImage::new(1, 1, 3, "rgb8", vec![0; 3]).unwrap(),
            arrived: Instant::now(),
        }
    }

    fn depth(ms: i64) -> Depth {
        Depth {
            stamp: Stamp::from_nanos(ms * 1_000_000),
            frame: "camera".to_owned(),
            image: Arc::new(DepthImage::from_metres(1, 1, vec![1.0]).unwrap()),
        }
    }

    fn intake(require_depth: bool) -> Intake {
        let mut intake = Intake::new(0.005, require_depth);
        intake.set_camera(CameraModel::pinhole(1, 1, 1.0).unwrap());
        intake
    }

    #[test]
    fn either_may_come_first() {
        let mut intake = intake(true);
        assert!(intake.colour(colour(100)).is_none());
        let look = intake.depth(depth(102), Instant::now()).unwrap();
        assert!(look.depth.is_some());
        assert!(intake.depth(depth(166), Instant::now()).is_none());
        assert_eq!(intake.colour(colour(166)).unwrap().colour.stamp, colour(166).stamp);
        assert_eq!(intake.counts.unpaired, 0);
    }

    #[test]
    fn images_of_different_times_are_not_mixed() {
        let mut intake = intake(true);
        assert!(intake.depth(depth(100), Instant::now()).is_none());
        assert!(intake.colour(colour(166)).is_none());
        assert!(intake.depth(depth(166), Instant::now()).is_some());
    }

    #[test]
    fn colour_without_depth_is_given_up_and_counted() {
        let mut intake = intake(true);
        for frame in 0..10 {
            assert!(intake.colour(colour(66 * frame)).is_none());
        }
        assert_eq!(intake.counts.unpaired, 6);
        let mut alone = self::intake(false);
        assert!(alone.colour(colour(0)).unwrap().depth.is_none());
    }

    #[test]
    fn a_clock_that_was_set_back_starts_anew() {
        let mut intake = intake(true);
        assert!(intake.colour(colour(90_000)).is_none());
        assert!(intake.colour(colour(10)).is_none());
        assert!(intake.depth(depth(10), Instant::now()).is_some());
    }

    #[test]
    fn without_a_camera_info_there_is_no_look() {
        let mut intake = Intake::new(0.005, true);
        assert!(intake.colour(colour(0)).is_none());
        assert!(intake.depth(depth(0), Instant::now()).is_none());
    }
}
