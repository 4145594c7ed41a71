//! One look → what perception knows; no ROS here.

use nalgebra::Isometry3;
use praxis_inference::{InferenceConfig, LoadError, OrtNetwork, SkippedProvider, library_path};
use praxis_network::{Card, NetworkError};
use praxis_perception::{Carried, Frame, Perceiver, Perception, PerceptionError, RobotBody};

use crate::parameters::PerceptionParameters;
use crate::turns::{InTurn, Turns};
use praxis_perception::intake::Look;

/// Why a look gives nothing.
#[derive(Debug)]
pub enum LookError {
    /// Depth is required and there is none to speak of.
    NoDepth { valid_share: f64, needed: f64 },
    /// Depth was taken from another place than colour.
    NotAligned { colour: String, depth: String },
    /// Anything that the algorithms refuse.
    Perception(PerceptionError),
}

impl std::fmt::Display for LookError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoDepth { valid_share, needed } => write!(
                f,
                "{:.1} % of the depth image holds a distance, {:.1} % are needed",
                100.0 * valid_share,
                100.0 * needed
            ),
            Self::NotAligned { colour, depth } => write!(
                f,
                "depth is in frame '{depth}', colour in '{colour}'; depth aligned to colour is needed"
            ),
            Self::Perception(error) => error.fmt(f),
        }
    }
}

impl LookError {
    /// Whether the network ran past its time limit.
    pub fn is_time_limit(&self) -> bool {
        matches!(self, Self::Perception(PerceptionError::Network(NetworkError::TimeLimit { .. })))
    }
}

/// A loaded network and all that follows it.
pub struct Pipeline {
    perceiver: Perceiver,
    require_depth: bool,
    min_valid_depth: f64,
    skipped: Vec<SkippedProvider>,
}

impl Pipeline {
    /// Reads the card, loads its network and checks that they fit.
    pub fn load(parameters: &PerceptionParameters, turns: Turns) -> Result<Self, LoadError> {
        let card = Card::read(parameters.network_folder.as_ref())?;
        let config = InferenceConfig {
            library: library_path(&parameters.onnxruntime_library)?,
            providers: parameters.providers.clone(),
            intra_op_threads: parameters.intra_op_threads as usize,
        };
        let network = OrtNetwork::load(&card, &config)?;
        let skipped = network.skipped_providers().to_vec();
        let network = InTurn { network, turns };
        let perceiver = Perceiver::new(card, Box::new(network), parameters.perceiver.clone());
        Ok(Self {
            perceiver,
            require_depth: parameters.require_depth,
            min_valid_depth: parameters.min_valid_depth,
            skipped,
        })
    }

    /// The card in force.
    pub fn card(&self) -> &Card {
        self.perceiver.card()
    }

    /// Says what the robot holds at the moment of the next look.
    pub fn set_carried(&mut self, carried: Vec<Carried>) {
        self.perceiver.set_carried(carried);
    }

    /// What computes the network.
    pub fn provider(&self) -> &str {
        self.perceiver.provider()
    }

    /// Providers that were asked for first and did not come up.
    pub fn skipped_providers(&self) -> &[SkippedProvider] {
        &self.skipped
    }

    /// Takes in one look.
    pub fn process(
        &mut self,
        look: &Look,
        world_from_camera: &Isometry3<f64>,
        robot: &RobotBody,
        score_threshold: f64,
    ) -> Result<Perception, LookError> {
        let share = look.depth.as_ref().map_or(0.0, |depth| depth.image.valid_share());
        let has_depth = look.depth.is_some() && share >= self.min_valid_depth;
        if self.require_depth && !has_depth {
            return Err(LookError::NoDepth { valid_share: share, needed: self.min_valid_depth });
        }
        if let Some(depth) = look.depth.as_ref().filter(|depth| depth.frame != look.colour.frame) {
            let (colour, depth) = (look.colour.frame.clone(), depth.frame.clone());
            return Err(LookError::NotAligned { colour, depth });
        }
        let threshold = (score_threshold > 0.0).then_some(score_threshold as f32);
        self.perceiver.set_score_threshold(threshold);
        let frame = Frame {
            stamp: look.colour.stamp,
            colour: &look.colour.image,
            depth: look.depth.as_ref().filter(|_| has_depth).map(|depth| &*depth.image),
            camera: &look.camera,
            world_from_camera,
            robot,
        };
        self.perceiver.process(&frame).map_err(LookError::Perception)
    }
}
