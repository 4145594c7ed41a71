//! How long a network takes on this machine, from the bytes of a picture to detections.
//!
//!     cargo run --release -p praxis_inference --example network_time -- models/networks/tabletop

use std::time::{Duration, Instant};

use praxis_inference::{InferenceConfig, OrtNetwork, library_path};
use praxis_network::{Card, ImageView, Network, PixelFormat, Preprocessor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: network_time FOLDER [THREADS]")?;
    let threads = std::env::args().nth(2).map_or(Ok(1), |text| text.parse())?;
    let card = Card::read(folder.as_ref())?;
    let config = InferenceConfig {
        library: library_path("")?,
        providers: vec!["cpu".to_owned()],
        intra_op_threads: threads,
    };
    let started = Instant::now();
    let mut network = OrtNetwork::load(&card, &config)?;
    println!("{} on {}: loaded in {:.1?}", card.name, network.provider(), started.elapsed());

    let bytes: Vec<u8> = (0..640 * 480 * 3).map(|i| (i * 37 % 251) as u8).collect();
    let image = ImageView::new(640, 480, 1920, PixelFormat::Rgb8, &bytes)?;
    let mut preprocessor = Preprocessor::new(&card.input);
    let mut spans = [const { Vec::new() }; 3];
    for _ in 0..200 {
        let started = Instant::now();
        let (tensor, input_from_image) = preprocessor.run(&image);
        spans[0].push(started.elapsed());
        let started = Instant::now();
        let inputs = [(card.input.name.as_str(), tensor.view())];
        let outputs = network.run(&inputs, Some(Duration::from_secs(1)))?;
        spans[1].push(started.elapsed());
        let started = Instant::now();
        card.decode(&outputs, &input_from_image, (640, 480), None)?;
        spans[2].push(started.elapsed());
    }
    for (stage, mut spans) in ["preprocess", "network", "decode"].into_iter().zip(spans) {
        spans.sort();
        println!("{stage}: p50 {:.2?}, p99 {:.2?}", spans[100], spans[198]);
    }
    Ok(())
}
