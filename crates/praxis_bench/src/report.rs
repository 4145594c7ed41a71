use crate::figures::Figures;
use crate::summary::Summary;

/// Prints the figures of one scene, of all, or of a peer.
pub fn print(title: &str, summary: &Summary) {
    println!("\n{title}: {} of {} solved", summary.solved, summary.total_valid);
    if summary.planning_us.is_some() {
        println!(
            "  {:22}{:>10}{:>10}{:>10}{:>10}   {:>10}{:>10}{:>10}{:>10}",
            "µs, wall | thread CPU", "median", "mean", "p95", "max", "median", "mean", "p95", "max"
        );
    }
    let times = [
        ("plan", summary.planning_us, summary.planning_cpu_us),
        ("  preparation in it", summary.preparation_us, None),
        ("simplify", summary.simplify_us, summary.simplify_cpu_us),
        ("plan + simplify", summary.planning_and_simplify_us, summary.planning_and_simplify_cpu_us),
        ("timing", summary.timing_us, summary.timing_cpu_us),
        ("total", summary.total_us, summary.total_cpu_us),
        ("cloud update", summary.cloud_update_us, None),
    ];
    for (name, wall, cpu) in times {
        if let Some(wall) = wall {
            let cpu = cpu.map(|cpu| format!("   {}", columns(&cpu, 1))).unwrap_or_default();
            println!("  {name:22}{}{cpu}", columns(&wall, 1));
        }
    }
    let others = [
        ("cost before, rad", summary.initial_path_length_rad),
        ("cost after, rad", summary.path_length_rad),
        ("motion, s", summary.motion_duration_s),
    ];
    for (name, figures) in others {
        if let Some(figures) = figures {
            println!("  {name:22}{}", columns(&figures, 3));
        }
    }
    if let Some(invalid) = summary.invalid_paths {
        println!("  {invalid} paths are invalid under the plain check at 1/512 rad");
    }
    if let (Some(samples), Some(outside), Some(colliding)) =
        (summary.motion_samples, summary.limit_violations, summary.colliding_motions)
    {
        println!(
            "  {outside} of {samples} samples at 1 kHz are outside limits; {colliding} motions collide"
        );
    }
}

fn columns(figures: &Figures, digits: usize) -> String {
    let Figures { median, mean, p95, max } = figures;
    format!("{median:10.digits$}{mean:10.digits$}{p95:10.digits$}{max:10.digits$}")
}
