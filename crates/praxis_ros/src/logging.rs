//! Log lines go to standard error for people and to `/rosout` for ROS tools.

use std::fmt::Write as _;
use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

use r2r::QosProfile;
use r2r::rcl_interfaces::msg::Log;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::error::RosError;
use crate::node::{Node, Publisher};

static ROSOUT: OnceLock<(Publisher<Log>, String)> = OnceLock::new();

/// Starts logging for this process. The level comes from `RUST_LOG`, or from
/// `--ros-args --log-level LEVEL`, or is `info`.
pub fn start(node: &mut Node) -> Result<(), RosError> {
    let qos = QosProfile::default().keep_last(1000).reliable().transient_local();
    let publisher = node.publisher::<Log>("/rosout", qos)?;
    let name = node.fully_qualified_name().trim_start_matches('/').replace('/', ".");
    let _ = ROSOUT.set((publisher, name));

    let arguments: Vec<String> = std::env::args().collect();
    let asked =
        arguments.iter().position(|a| a == "--log-level").and_then(|i| arguments.get(i + 1));
    let fallback = asked.and_then(|level| level.parse::<Level>().ok()).unwrap_or(Level::INFO);
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(fallback.to_string().to_lowercase()));
    // A second start in one process (composed nodes) keeps the first subscriber.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(fmt::layer().with_writer(std::io::stderr).with_target(false).with_ansi(false))
        .with(RosoutLayer)
        .try_init();
    Ok(())
}

struct RosoutLayer;

impl<S: Subscriber> Layer<S> for RosoutLayer {
    fn on_event(&self, event: &Event<'_>, _context: Context<'_, S>) {
        let Some((publisher, name)) = ROSOUT.get() else { return };
        let mut text = Sentence::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let mut message = Log {
            level: ros_level(*metadata.level()),
            name: name.clone(),
            msg: format!("{}{}", text.message, text.fields),
            file: metadata.file().unwrap_or_default().to_owned(),
            function: metadata.target().to_owned(),
            line: metadata.line().unwrap_or_default(),
            ..Log::default()
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        message.stamp.sec = now.as_secs() as i32;
        message.stamp.nanosec = now.subsec_nanos();
        publisher.publish_quietly(&message);
    }
}

fn ros_level(level: Level) -> u8 {
    match level {
        Level::ERROR => 40,
        Level::WARN => 30,
        Level::INFO => 20,
        Level::DEBUG | Level::TRACE => 10,
    }
}

#[derive(Default)]
struct Sentence {
    message: String,
    fields: String,
}

impl Visit for Sentence {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        let written = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, " {}={value:?}", field.name())
        };
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
}
