use std::collections::VecDeque;
use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};
use clap::{Args, ValueEnum};
use praxis_calibration::{Checkerboard, GreyImage, HandEye, View, find_corners, hand_eye};
use praxis_geometry::{Pose, Stamp};
use praxis_perception::CameraModel;
use praxis_recording::{Recording, Told, Topics};
use praxis_transforms::TransformHistory;

/// A picture waits so long, in recorded time, for the transforms of its moment.
const PATIENCE_S: f64 = 0.5;
/// A hand that moved more than this within the time before a picture blurs it: metres, radians,
/// seconds.
const STILL: (f64, f64, f64) = (0.001, 0.002, 0.1);
/// A view is new when the hand is this far from all others: metres, radians.
const APART: (f64, f64) = (0.02, 0.05);
/// A residual above this speaks of a wrong board, moved board or wrong robot poses, pixels.
const GOOD_RMS_PX: f64 = 1.5;

/// Where the camera is mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Mount {
    /// On the hand; the board lies still.
    Hand,
    /// Beside the robot; the hand holds the board.
    Base,
}

/// Options of `calibrate`.
#[derive(Args)]
pub struct Options {
    /// A recording of colour pictures, camera info and transforms (MCAP): stop the hand at ten or
    /// more places that see the whole board from different sides.
    file: PathBuf,
    /// Inner corners of the checkerboard, such as 8x5; one number odd, the other even.
    #[arg(long)]
    board: String,
    /// Side of a square, metres.
    #[arg(long)]
    square: f64,
    /// Where the camera is mounted.
    #[arg(long, value_enum, default_value = "hand")]
    mount: Mount,
    /// Frame of the hand.
    #[arg(long)]
    hand_frame: String,
    /// Frame of the robot's base.
    #[arg(long, default_value = "base_link")]
    base_frame: String,
    /// Topic of the colour pictures; `/compressed` behind it is read as well.
    #[arg(long, default_value = "camera/color/image_raw")]
    colour: String,
    /// Topic of the camera's info.
    #[arg(long, default_value = "camera/color/camera_info")]
    camera_info: String,
}

/// Finds where the camera is mounted from a recording of the robot and a checkerboard.
pub fn run(options: &Options) -> Result<()> {
    let board = board_of(options)?;
    let mut gathering = Gathering::default();
    let topics = Topics {
        colour: options.colour.clone(),
        camera_info: options.camera_info.clone(),
        // Depth tells nothing here.
        depth: String::new(),
        ..Topics::default()
    };
    for entry in Recording::open(&options.file, topics)? {
        match entry {
            Ok(entry) => gathering.take(entry.told, options, &board),
            Err(error) if error.is_of_one_message() => eprintln!("left out: {error}"),
            Err(error) => return Err(error.into()),
        }
    }
    gathering.finish(options);
    let Gathering { camera, views, counts, frame, .. } = gathering;
    println!(
        "{} pictures: {} without the whole board, {} without transforms, {} of a moving hand, {} \
         like an earlier one; {} views",
        counts.pictures,
        counts.without_board,
        counts.without_pose,
        counts.moving,
        counts.alike,
        views.len()
    );
    let camera = camera
        .with_context(|| format!("{} holds no {}", options.file.display(), options.camera_info))?;
    let (stamps, views): (Vec<Stamp>, Vec<View>) = views.into_iter().unzip();
    let found = hand_eye(&camera, &board, &views)?;
    let mount = match options.mount {
        Mount::Hand => &options.hand_frame,
        Mount::Base => &options.base_frame,
    };
    tell(&found, &stamps, mount, &frame);
    ensure!(
        found.rms_px <= GOOD_RMS_PX,
        "the residual of {:.2} px is above {GOOD_RMS_PX} px: do not use this. Is the board what \
         --board and --square say, did it lie still, and is the camera's info calibrated?",
        found.rms_px
    );
    Ok(())
}

fn board_of(options: &Options) -> Result<Checkerboard> {
    let numbers = options.board.split_once('x').and_then(|(columns, rows)| {
        Some((columns.trim().parse().ok()?, rows.trim().parse().ok()?))
    });
    let Some((columns, rows)) = numbers else { bail!("--board {} is not like 8x5", options.board) };
    Ok(Checkerboard::new(columns, rows, options.square)?)
}

#[derive(Default)]
struct Counts {
    pictures: usize,
    without_board: usize,
    without_pose: usize,
    moving: usize,
    alike: usize,
}

/// A picture that shows the board and waits for the hand's pose.
struct Seen {
    stamp: Stamp,
    corners_px: Vec<[f64; 2]>,
}

#[derive(Default)]
struct Gathering {
    camera: Option<CameraModel>,
    /// The optical frame.
    frame: String,
    transforms: TransformHistory,
    waiting: VecDeque<Seen>,
    views: Vec<(Stamp, View)>,
    counts: Counts,
    newest: Option<Stamp>,
}

impl Gathering {
    fn take(&mut self, told: Told, options: &Options, board: &Checkerboard) {
        match told {
            Told::Camera(camera) => self.camera = Some(camera),
            Told::Transforms(transforms) => {
                for one in transforms {
                    let (stamp, pose) = (one.stamp, one.parent_from_child);
                    self.transforms.insert(&one.parent, &one.child, stamp, pose, one.is_static);
                }
            }
            Told::Colour(picture) => {
                self.counts.pictures += 1;
                self.newest = Some(picture.stamp);
                self.frame = picture.frame;
                match find_corners(&GreyImage::of(&picture.image), board) {
                    Some(corners_px) => {
                        self.waiting.push_back(Seen { stamp: picture.stamp, corners_px });
                    }
                    None => self.counts.without_board += 1,
                }
            }
            Told::Depth(_) | Told::Description(_) => {}
        }
        while let Some(seen) = self.waiting.front() {
            let (stamp, old) = (seen.stamp, PATIENCE_S);
            let gave_up = self.newest.is_some_and(|newest| newest.seconds_since(stamp) > old);
            if self.carrier_pose(options, stamp).is_none() && !gave_up {
                break;
            }
            self.take_front(options);
        }
    }

    fn finish(&mut self, options: &Options) {
        while !self.waiting.is_empty() {
            self.take_front(options);
        }
    }

    /// As [`View::carrier_pose`].
    fn carrier_pose(&self, options: &Options, stamp: Stamp) -> Option<Pose> {
        let (base, hand) = (&options.base_frame, &options.hand_frame);
        match options.mount {
            Mount::Hand => self.transforms.target_from_source(base, hand, stamp).ok(),
            Mount::Base => self.transforms.target_from_source(hand, base, stamp).ok(),
        }
    }

    fn take_front(&mut self, options: &Options) {
        let Some(Seen { stamp, corners_px }) = self.waiting.pop_front() else { return };
        let Some(carrier_pose) = self.carrier_pose(options, stamp) else {
            self.counts.without_pose += 1;
            return;
        };
        let apart = |other: &Pose| {
            let way = other.inverse() * carrier_pose;
            (way.translation.vector.norm(), way.rotation.angle())
        };
        let (metres, radians, seconds) = STILL;
        let before = Stamp::from_nanos(stamp.nanoseconds - (seconds * 1e9) as i64);
        let moved = self.carrier_pose(options, before).map(|before| apart(&before));
        if moved.is_some_and(|(shift, turn)| shift > metres || turn > radians) {
            self.counts.moving += 1;
            return;
        }
        let alike = self.views.iter().any(|(_, view)| {
            let (shift, turn) = apart(&view.carrier_pose);
            shift < APART.0 && turn < APART.1
        });
        if alike {
            self.counts.alike += 1;
            return;
        }
        self.views.push((stamp, View { carrier_pose, corners_px }));
    }
}

fn tell(found: &HandEye, stamps: &[Stamp], mount: &str, frame: &str) {
    let pose = &found.mount_from_camera;
    let (at, turn) = (pose.translation.vector, pose.rotation.coords);
    let (roll, pitch, yaw) = pose.rotation.euler_angles();
    println!("{frame} in {mount}: ({:.5}, {:.5}, {:.5}) m", at.x, at.y, at.z);
    println!("  roll {roll:.5}, pitch {pitch:.5}, yaw {yaw:.5} rad");
    let (shift, angle) = (found.position_sigma_m * 1e3, found.rotation_sigma_rad);
    println!(
        "  standard deviation {:.2} mm and {:.3}° (by the scatter of the corners)",
        shift.norm(),
        angle.norm().to_degrees()
    );
    println!("residual {:.3} px over all corners; view by view:", found.rms_px);
    for (stamp, rms_px) in stamps.iter().zip(&found.view_rms_px) {
        let remark = if *rms_px > 2.5 * found.rms_px { "  stands out" } else { "" };
        println!("  {:.3} s: {rms_px:.3} px{remark}", stamp.as_secs_f64());
    }
    println!(
        "ros2 run tf2_ros static_transform_publisher --x {:.6} --y {:.6} --z {:.6} --qx {:.6} \
         --qy {:.6} --qz {:.6} --qw {:.6} --frame-id {mount} --child-frame-id {frame}",
        at.x, at.y, at.z, turn.x, turn.y, turn.z, turn.w
    );
}
